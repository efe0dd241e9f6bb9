"""What a build and a check find in model and data, from end to end: told first, kept, in every view, and failing with --strict."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import edgekit
from edgekit.documents.report import Report

pytestmark = pytest.mark.tf
GENERATOR = np.random.default_rng(0)
X = GENERATOR.uniform(0, 1, (400, 6)).astype("float32")
Y = X[:, :4].argmax(axis=1)
BOXES = np.c_[GENERATOR.uniform(0, 320, (400, 4)), GENERATOR.uniform(0, 1, (400, 1))].astype("float32")

MODELS = """
import numpy as np


def dense(weights, bias, *before, activation="softmax", loss="sparse_categorical_crossentropy"):
    import keras

    layer = keras.layers.Dense(weights.shape[1], activation=activation)
    model = keras.Sequential([keras.Input((weights.shape[0],)), *before, layer])
    layer.set_weights([weights.astype("float32"), np.array(bias, "float32")])
    model.compile(loss=loss)
    return model


def largest():
    "The largest of the first four features."
    return dense(np.eye(6)[:, :4] * 9, [0.0] * 4)


def largest_of_pixels():
    "The same of values from 0 to 255, which it scales itself."
    import keras

    return dense(np.eye(6)[:, :4] * 9, [0.0, 0.02, 0.04, 0.06], keras.layers.Rescaling(1 / 255))


def same():
    "Boxes as they are: four edges in pixels, a score from 0 to 1."
    return dense(np.eye(5), [0.0] * 5, activation=None, loss="mse")
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with the models, and a function that gives it data; the cache is the test's own."""
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "models.py").write_text(MODELS)

    def made(model: str, x, y, *, more: str = "max_drop = 1.0\n") -> Path:
        np.savez(folder / "data.npz", x_train=x[:300], y_train=y[:300], x_test=x[300:], y_test=y[300:])
        toml = f'device = "rpi4"\nmodel = "models:{model}"\ndata = "data.npz"\n[goal]\n{more}[training]\nepochs = 0\n'
        (folder / "edgekit.toml").write_text(toml)
        return folder

    return made


def built(folder: Path, **options):
    told: list[str] = []
    result = edgekit.build(project=folder, out=folder / "out", progress=lambda phase, *_: told.append(phase), **options)
    return result, told


def names(report: Report) -> list[str]:
    return [finding.name for finding in report.findings]


def test_labels_in_another_order_are_told_first_kept_and_in_every_view(project, edgekit_here, tmp_path):
    folder = project("largest", X, 3 - Y)
    ends_before_anything_is_made(folder, edgekit_here, tmp_path / "cache")
    result, told = built(folder)
    assert names(result.report) == ["at_chance", "labels_permuted", "too_few_samples", "validation_too_small"]
    assert "reversed" in result.report.findings[1].what and result.report.outcome == "pass", (
        "by itself it decides nothing"
    )
    phases = [phase.partition(": ")[0] for phase in told]
    assert told[phases.index("finding")].startswith("finding: at_chance: below chance")
    assert phases.index("finding") < next(place for place, phase in enumerate(told) if phase.startswith("float32"))
    page = result.path.with_name("report.html").read_text()
    assert page.index("labels_permuted") < page.index("Baseline and result</h2>")
    again, told = built(folder)
    assert again.report.findings == result.report.findings
    assert not any("running the Keras model" in phase or "looking" in phase for phase in told), "all of it was kept"
    shown = edgekit_here("report", folder / "out" / "rpi4", folder=folder)
    assert "labels_permuted" in shown.stdout and "Number the classes of the data" in shown.stdout


def ends_before_anything_is_made(folder: Path, edgekit_here, cache: Path) -> None:
    """With --strict, of the project whose labels are in another order."""
    done = edgekit_here("build", "--strict", "--out", "strict", "--json", folder=folder, cache=cache)
    assert done.returncode == 1, done.stderr
    report = json.loads(done.stdout)
    (check,) = report["checks"]
    assert (check["name"], check["outcome"]) == ("sanity", "fail") and "labels_permuted" in check["reason"]
    assert report["chosen"] is None and report["candidates"] == [] and "stopped before any work" in report["summary"]
    assert "finding: labels_permuted" in done.stderr
    assert {path.name for path in (folder / "strict" / "rpi4").iterdir()} >= {
        "report.json",
        "report.html",
        "manifest.json",
    }
    assert not (folder / "strict" / "rpi4" / "model.tflite").exists() and not (cache / "artifacts").exists()


def test_pixels_that_were_scaled_before_a_model_that_scales_them_and_strict_passes_where_nothing_is_found(project):
    result, _ = built(project("largest_of_pixels", X, Y, more="max_drop = 5.0\n"))
    found = {finding.name: finding for finding in result.report.findings}
    assert "multiplies by 0.003922" in found["input_range"].what and "is right (chance" in found["input_range"].what
    assert found["input_range"].advice.startswith("multiply by 255")
    folder = project("largest_of_pixels", X * 255, Y, more="max_drop = 5.0\n")
    (folder / "edgekit.toml").write_text("strict = true\n" + (folder / "edgekit.toml").read_text())
    right, _ = built(folder)
    check = next(one for one in right.report.checks if one.name == "sanity")
    assert check.outcome == "pass" and right.report.findings == () and right.report.outcome == "pass"


def test_a_swallowed_score_is_found_and_strict_chooses_a_file_without(project, tmp_path):
    targets = BOXES + GENERATOR.normal(0, [9, 9, 9, 9, 0.05], BOXES.shape).astype("float32")
    folder = project("same", BOXES, targets, more='max_drop = 100\nsearch = "all"\n')
    result, _ = built(folder, strict=True)
    by_name = {one.candidate: one for one in result.report.candidates}
    assert by_name["int8"].outcome == "fail" and "sanity" in by_name["int8"].reason
    assert "swallowed_column" in by_name["int8"].reason and result.report.chosen.candidate != "int8"
    assert (
        names(result.report) == []
        and result.report.data["task"] == "regression"
        and "mae" in result.report.chosen.metrics
    )
    swallowing, reference = (_computes_in(tmp_path / "cache" / "artifacts", dtype) for dtype in ("int8", "float32"))
    report = edgekit.check(
        swallowing, device="rpi4", data=folder / "data.npz", reference=reference, max_drop=100, strict=True
    )
    assert names(report) == ["swallowed_column"] and "column 4" in report.findings[0].what
    assert next(one for one in report.checks if one.name == "sanity").outcome == "fail" and report.outcome == "fail"


def _computes_in(artifacts: Path, dtype: str) -> Path:
    """The file whose dense layer gives a dtype."""
    from edgekit.tflite.reader import read_tflite

    files = {path: read_tflite(path) for path in artifacts.glob("*/model.tflite")}
    return next(
        path
        for path, model in files.items()
        for operator in model.operators
        if operator.name == "FULLY_CONNECTED"
        and all(model.tensors[index].dtype == dtype for index in (*operator.inputs[:2], operator.outputs[0]))
    )
