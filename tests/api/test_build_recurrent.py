"""A recurrent model all the way: the converter crashes on its loop in int8, and the unrolled form is made, run and told."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from edgekit.tflite.reader import read_tflite

GOLDEN = Path(__file__).parents[1] / "golden"
STEPS, FEATURES, UNITS, CLASSES = (
    3,
    2,
    1,
    2,
)  # with more units int8_per_tensor is worth a trial, which crashes and is unrolled alike
MODEL = f"""
import os
os.environ["TF_USE_LEGACY_KERAS"] = "1"
import tf_keras

def gru():
    layers = tf_keras.layers
    tf_keras.utils.set_random_seed(0)
    return tf_keras.Sequential([layers.Input(({STEPS}, {FEATURES})), layers.GRU({UNITS}), layers.Dense({CLASSES}, activation="softmax")])
"""
PROJECT = """
model = "model:gru"
data = "data.npz"

[goal]
max_drop = 100

[training]
epochs = 0

[calibration]
samples = 8
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    generator = np.random.default_rng(0)
    folder = tmp_path / "project"
    folder.mkdir()
    arrays = {}
    for split in ("train", "test"):
        arrays[f"x_{split}"] = generator.normal(size=(64, STEPS, FEATURES)).astype(np.float32)
        arrays[f"y_{split}"] = (arrays[f"x_{split}"][:, -1, 0] > 0).astype(np.int64)
    np.savez(folder / "data.npz", **arrays)
    (folder / "model.py").write_text(MODEL)
    (folder / "edgekit.toml").write_text(PROJECT)
    return folder


@pytest.mark.tf
def test_a_gru_on_a_microcontroller(edgekit_command, project):
    done = edgekit_command("build", "--device", "nano-33-ble", "--out", "out", "--json", folder=project, timeout_s=300)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["outcome"] == "pass" and report["chosen"]["candidate"].startswith("int8")
    assert any(f"unrolled in the file, {STEPS} steps" in note and "SIGSEGV" in note for note in report["notes"])
    unrolled = read_tflite(project / "out" / "nano-33-ble" / "model.tflite")
    assert "WHILE" not in {operator.name for operator in unrolled.operators}
    whole = STEPS * 3 * UNITS * (FEATURES + UNITS) + UNITS * CLASSES
    assert unrolled.macs == whole - 3 * UNITS * UNITS, "the first step has no state yet"
    assert report["baseline"]["metrics"]["macs"]["value"] == whole, "every turn of the loop counts"


def test_a_loop_of_known_length_gets_a_latency_and_a_verdict(edgekit_command, tmp_path):
    done = edgekit_command("check", GOLDEN / "recurrent_loop.tflite", "--device", "rpi4", "--json", folder=tmp_path)
    found = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert (done.returncode, found["latency"]["outcome"], found["latency"]["basis"]) == (0, "pass", "predicted")
