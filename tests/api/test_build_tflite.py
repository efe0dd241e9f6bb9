"""A `.tflite` as the model, from end to end: quantized, measured and proven; planned without TensorFlow."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from msgspec.structs import replace

import edgekit
from edgekit.cli.main import main
from edgekit.errors import ModelError
from edgekit.ingest.opening import open_project_model, open_project_student
from edgekit.jobs import pool
from edgekit.jobs.cache import Cache
from edgekit.progress import no_progress
from edgekit.project.request import settle
from edgekit.tflite.reader import read_tflite
from edgekit.tflite.weights import kernels

pytestmark = pytest.mark.tf
GOLDEN = Path(__file__).parent.parent / "golden"
FLOAT = GOLDEN / "float32.tflite"


class Nobody:
    """Workers of whom nothing may be asked."""

    def run(self, job: dict[str, Any], **_: Any) -> Any:
        raise AssertionError(f"a worker was asked for {job['do']}")

    def stop(self) -> None:
        raise AssertionError("a worker was stopped")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A float file and a quantized one, and data whose labels are what the float one answers."""
    litert = pytest.importorskip("ai_edge_litert.interpreter")
    folder = tmp_path_factory.mktemp("project")
    shutil.copy(FLOAT, folder / "net.tflite")
    shutil.copy(GOLDEN / "int8.tflite", folder / "small.tflite")
    images = np.random.default_rng(0).normal(0.5, 1.5, (960, 8, 8, 1)).astype("float32")
    runner = litert.Interpreter(str(FLOAT)).get_signature_runner()
    labels = np.array([runner(image=image[None])["classes"].argmax() for image in images])
    assert len(set(labels.tolist())) == 3
    parts = {
        name: (images[a:b], labels[a:b]) for name, a, b in (("train", 0, 320), ("val", 320, 640), ("test", 640, 960))
    }
    arrays = {f"{axis}_{name}": part[place] for name, part in parts.items() for place, axis in enumerate("xy")}
    np.savez(folder / "data.npz", **arrays)
    return folder


def built(folder: Path, model: str, *more: str) -> Any:
    command = ["build", "--device", "rpi4", "--model", str(folder / model), "--data", str(folder / "data.npz")]
    done = CliRunner().invoke(main, [*command, "--out", str(folder / f"out-{model}"), "--json", *more])
    assert done.exit_code == 0, done.output[-3000:]
    return json.loads(done.stdout)


@pytest.mark.slow
def test_a_float_file_is_quantized_with_evidence_and_its_own_figures_as_the_baseline(folder):
    report = built(folder, "net.tflite", "--goal", "smallest", "--max-drop", "5")
    outcomes = {one["candidate"]: one for one in report["candidates"]}
    assert {"float32", "dynamic_range", "int8"} <= set(outcomes)
    assert not [name for name, one in outcomes.items() if one["outcome"] == "failed"], outcomes
    assert report["baseline"]["metrics"]["accuracy"]["value"] == 1.0, "its own answers are the labels"
    assert not any(name.startswith("keras") for name in report["baseline"]["metrics"])
    (step,) = report["chosen"]["steps"]
    assert step["technique"] != "float32" and not any(one["training"] for one in outcomes.values())
    made = read_tflite(folder / "out-net.tflite" / "rpi4" / "model.tflite")
    assert "int8" in {one.dtype for one in kernels(made)} and made.size_bytes < FLOAT.stat().st_size / 2
    words = "int8, in the file: 4 of 4 kernels are int8; no float operator but the SOFTMAX of an output"
    assert outcomes["int8"]["evidence"] == [words]
    assert all(one["evidence"][0].startswith(f"{name}, in the file: ") for name, one in outcomes.items())
    drop = report["chosen"]["metrics"]["accuracy_drop"]
    assert 0 <= drop["value"] <= 5 and drop["split"] == "test"
    declined = {one["technique"]: one["reason"] for one in report["declined"]}
    assert "no trainable weights" in declined["pruning"] == declined["quantization_aware"]
    assert any("a finished file" in note for note in report["notes"])


def test_a_plan_needs_no_tensorflow_and_no_data(folder, monkeypatch):
    monkeypatch.setattr(pool.Pool, "run", lambda *_, **__: pytest.fail("a worker was asked"))
    plan = edgekit.plan(folder / "net.tflite", device="rpi4")
    assert plan.candidates[0].name == "float32" and plan.outcome == "possible"


def test_a_student_that_is_a_tflite_is_refused(folder):
    settings = settle(folder / "net.tflite", None, folder, student=folder / "small.tflite")
    with Cache() as cache, pytest.raises(ModelError) as caught:
        file = open_project_model(None, settings, cache, Nobody(), trust=False, progress=no_progress)
        trained = replace(file, facts=replace(file.facts, untrainable=""))
        open_project_student(None, settings, trained, cache, Nobody(), trust=False, progress=no_progress)
    assert "a student is trained" in str(caught.value) and "small.tflite" in str(caught.value)
