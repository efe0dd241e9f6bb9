"""A student of the project's own, from end to end: planned, taught by the model, pruned after it, proved in the bytes, and refused where it cannot be."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import edgekit
from edgekit.cli.main import main
from edgekit.errors import ModelError
from edgekit.tflite.reader import read_tflite
from edgekit.tflite.weights import kernels

pytestmark = pytest.mark.tf
NETWORKS = """
import keras
import numpy as np

keras.utils.set_random_seed(0)
generator = np.random.default_rng(0)
y = np.arange(768) % 4
x = (generator.normal(size=(4, 64))[y] + generator.normal(size=(768, 64))).astype("float32")
np.savez("data.npz", x_train=x[:256], y_train=y[:256], x_val=x[256:512], y_val=y[256:512], x_test=x[512:], y_test=y[512:])


def network(*middle, name="x", inputs=64, dtype="float32", outputs=4, end="softmax"):
    given = keras.Input((inputs,), dtype=dtype, name=name)
    found = given
    for layer in middle:
        found = layer(found)
    return keras.Model(given, keras.layers.Dense(outputs, activation=end)(found))


def dense(units):
    return keras.layers.Dense(units, activation="relu")


model = network(dense(64), dense(32))
model.compile("adam", "sparse_categorical_crossentropy")
model.fit(x[:256], y[:256], epochs=8, verbose=0)
model.save("model.keras")
network(dense(12), name="other_name").save("student.keras")
network(dense(8)).save("other.keras")
network(dense(8), inputs=32).save("narrow.keras")
network(dense(8), outputs=5).save("five.keras")
network(dense(8), dtype="int32").save("whole.keras")
network(dense(8), end=None).save("logits.keras")
network(keras.layers.Lambda(lambda t: t * 2), dense(8)).save("code.keras")
"""
PROJECT = """
model = "model.keras"
data = "data.npz"
[student]
model = "student.keras"
epochs = 20
[goal]
max_drop = 2
aim = "smallest"
[training]
epochs = 1
learning_rate = 0.01
distillation = 0
[[chain]]
steps = ["student"]
[[chain]]
steps = ["student", { technique = "pruning", settings = { sparsity = 0.5 } }, "quantization_aware"]
"""
STUDENT, MODEL = (64 * 12, 12 * 4), (64 * 64, 64 * 32, 32 * 4)
ALONE = "own_1:student+int8"
PARAMETERS = sum(STUDENT) + 12 + 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a model, and networks that may and may not be its student."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "edgekit.toml").write_text(PROJECT, encoding="utf-8")
    done = subprocess.run([sys.executable, "-c", NETWORKS], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def ask(folder: Path, *arguments: str) -> Any:
    return CliRunner().invoke(main, [*arguments, "--project", str(folder)])


@pytest.fixture(scope="module")
def built(folder: Path) -> dict[str, Any]:
    """The report of a build that is locked."""
    done = ask(folder, "build", "--device", "rpi4", "--out", str(folder / "out"), "--lock", "--json")
    assert done.exit_code == 0, done.output[-3000:]
    return json.loads(done.stdout)


def test_the_plan_has_it_with_its_own_costs(folder):
    plan = json.loads(ask(folder, "plan", "--device", "rpi4", "--json").stdout)
    found = {one["name"]: one for one in plan["candidates"]}
    (step, _) = found[ALONE]["steps"]
    settings = step["settings"]
    assert (settings["network"], settings["parameters"]) == ("student.keras", PARAMETERS)
    assert tuple(settings["kernels"]) == STUDENT
    saved = found["int8"]["estimates"]["flash"]["value"] - found[ALONE]["estimates"]["flash"]["value"]
    assert saved > 0.9 * (sum(MODEL) - sum(STUDENT)), "a byte a weight"
    assert any(name.startswith("own_2:student+pruning_50+quantization_aware") for name in found)


def test_a_student_of_an_eighth_of_the_weights_does_as_well_and_the_file_is_its_own(folder, built):
    tried = {one["candidate"]: one for one in built["candidates"]}
    alone = tried[ALONE]
    assert alone["outcome"] == "pass", alone["reason"]
    assert (
        alone["evidence"][0]
        == f"student, in the model after student: 2 kernels of {sum(STUDENT)} weights, those of the student"
    )
    assert "2 of 2 kernels of the student are in the file" in alone["evidence"][1]
    (how,) = alone["training"]
    assert "20 epochs (of 20)" in how or "of 20)" in how
    assert "distilled from the float model" in how, "whether or not the project distils"
    assert built["chosen"]["candidate"].startswith(("own_1:student", "own_2:student"))
    sizes = sorted(one.array.size for one in kernels(read_tflite(folder / "out" / "rpi4" / "model.tflite")))
    assert sizes == sorted(STUDENT)


def test_a_chain_follows_it_and_works_on_the_student(built):
    chain = next(one for one in built["candidates"] if one["candidate"].startswith("own_2"))
    assert chain["outcome"] == "pass", chain["reason"]
    told = " ".join(chain["evidence"])
    assert "student, in the file: 2 of 2" in told and "pruning, in the file: 50.0% zeros" in told
    assert "quantization_aware, in the file" in told
    assert "distilled" not in chain["training"][1], "after the student the project's own rules hold"


def test_the_report_says_plainly_that_it_is_another_network(built):
    (told,) = [note for note in built["notes"] if "another network" in note]
    assert told.startswith(built["chosen"]["candidate"]) and "student.keras" in told and "trained with" in told
    assert {"accuracy", "agreement"} <= set(built["chosen"]["metrics"])


def test_the_lock_notices_another_student(folder, built):
    again = ask(folder, "build", "--device", "rpi4", "--out", str(folder / "again"), "--locked", "--json")
    assert again.exit_code == 0, again.output[-2000:]
    assert json.loads(again.stdout)["chosen"]["sha256"] == built["chosen"]["sha256"]
    other = ask(folder, "build", "--device", "rpi4", "--locked", "--student", str(folder / "other.keras"))
    assert other.exit_code == 1 and "the student: locked student.keras" in other.output
    lock = json.loads((folder / "edgekit.lock").read_text())
    assert lock["inputs"]["student"]["source"] == "student.keras" and lock["inputs"]["settings"]["student.epochs"] == 20


@pytest.mark.parametrize(
    ("student", "words"),
    [
        ("narrow.keras", ["input 0 (x) is not as the model's x", "(32) of float32", "(64) of float32"]),
        ("whole.keras", ["int32", "float32"]),
        ("five.keras", ["output 0", "(5) of float32", "(4) of float32"]),
        ("logits.keras", ["output 0 ends otherwise", "linear", "softmax"]),
        ("code.keras", ["Lambda", "--trust"]),
        ("missing.keras", ["does not exist"]),
        ("empty", ["SavedModel"]),
        ("edgekit.toml", ["not a Keras model"]),
    ],
)
def test_what_cannot_be_a_student_is_refused_with_the_reason(folder, student, words):
    (folder / "empty").mkdir(exist_ok=True)
    done = ask(folder, "plan", "--device", "rpi4", "--student", str(folder / student))
    assert done.exit_code == 2, done.output
    assert "student" in done.output and all(word in done.output for word in words), done.output


def test_an_object_that_is_no_model_is_told_of_the_student(folder, monkeypatch):
    monkeypatch.setenv("EDGEKIT_CACHE", str(folder / "cache"))
    with pytest.raises(ModelError) as caught:
        edgekit.plan(str(folder / "model.keras"), device="rpi4", student=0.5)
    assert "the student" in caught.value.where and "float" in str(caught.value)


def test_a_student_with_code_is_taken_where_it_is_trusted(folder):
    done = ask(folder, "plan", "--device", "rpi4", "--student", str(folder / "code.keras"), "--trust", "--json")
    assert done.exit_code == 0 and "code.keras" in done.stdout


DERIVED = PROJECT.partition("[[chain]]")[0].replace('model = "student.keras"', "width = 0.25\nfeatures = 5")


@pytest.fixture(scope="module")
def derived(folder: Path) -> Path:
    """The same project with a student that is derived from the model."""
    other = folder / "derived"
    other.mkdir()
    (other / "edgekit.toml").write_text(DERIVED.replace('= "model', '= "../model').replace('= "data', '= "../data'))
    return other


def test_a_derived_student_is_taught_as_one_s_own_is(derived):
    done = ask(derived, "build", "--device", "rpi4", "--out", str(derived / "out"), "--lock", "--json")
    assert done.exit_code == 0, done.output[-3000:]
    report = json.loads(done.stdout)
    found = next(one for one in report["candidates"] if one["candidate"].startswith("student+int8"))
    assert found["outcome"] == "pass", found["reason"]
    (step, _) = found["steps"]
    assert step["settings"]["network"] == "derived from the model with width 0.25"
    assert tuple(step["settings"]["kernels"]) == (64 * 16, 16 * 8, 8 * 4)
    assert "3 of 3 kernels of the student are in the file" in found["evidence"][1]
    (how,) = found["training"]
    assert re.search(r"features of the float model's inner tensors: dense\w* \(vector\)$", how), how
    lock = json.loads((derived / "edgekit.lock").read_text())["inputs"]
    assert lock["student"] is None and lock["settings"]["student.width"] == 0.25
    assert lock["settings"]["student.features"] == 5
    again = ask(derived, "build", "--device", "rpi4", "--out", str(derived / "again"), "--locked", "--json")
    assert json.loads(again.stdout)["chosen"]["sha256"] == report["chosen"]["sha256"]


def test_a_student_on_the_command_line_comes_before_a_derived_one(derived, folder):
    plan = json.loads(
        ask(derived, "plan", "--device", "rpi4", "--student", str(folder / "student.keras"), "--json").stdout
    )
    (found,) = [one for one in plan["candidates"] if one["name"] == "student+int8"]
    assert found["steps"][0]["settings"]["network"] == "student.keras"
    assert [note for note in plan["notes"] if "width = 0.25 of edgekit.toml is not used" in note], plan["notes"]


def test_what_cannot_be_derived_is_said_with_its_key(derived):
    text = (derived / "edgekit.toml").read_text()
    for shares, words in (
        ("depth = 0.5", ["no residual block of the model can be left out", "[student] depth"]),
        ('width = 0.5\nmodel = "student.keras"', ["either a network of its own or derived", "model and width"]),
        ("width = 1.5", ["student.width", "1.5"]),
    ):
        (derived / "edgekit.toml").write_text(text.replace("width = 0.25", shares))
        done = ask(derived, "plan", "--device", "rpi4")
        assert done.exit_code == 2 and all(word in done.output for word in words), done.output
    (derived / "edgekit.toml").write_text(text)
