"""A build that factorises: proposed, tried, proved, chosen, with chains of the project's own beside it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
MODEL = """
import keras
import numpy as np


def model():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((64,), name="given")
    x = keras.layers.Dense(128, activation="relu", name="first")(inputs)
    x = keras.layers.Dense(128, activation="relu", name="second")(x)
    outputs = keras.layers.Dense(4, activation="softmax", name="classes")(x)
    network = keras.Model(inputs, outputs)
    network.compile("adam", "sparse_categorical_crossentropy")
    network.fit(*data()["train"], epochs=8, verbose=0)
    kernel, bias = network.get_layer("second").get_weights()
    left, values, right = np.linalg.svd(kernel)
    values[24:] *= 0.05  # few directions carry its energy, as in a layer that was trained for long
    network.get_layer("second").set_weights([(left * values) @ right, bias])
    return network


def data():
    generator = np.random.default_rng(0)
    y = np.arange(512) % 4
    x = (generator.normal(size=(4, 64))[y] + generator.normal(size=(512, 64))).astype("float32")
    return {"train": (x[:256], y[:256]), "validation": (x[256:384], y[256:384]), "test": (x[384:], y[384:])}
"""
PROJECT = """
model = "tiny:model"
data = "tiny:data"
[goal]
max_drop = 5
aim = "smallest"
[training]
epochs = 2
learning_rate = 1e-3
[[chain]]
steps = ["int8"]
[[chain]]
steps = [{ technique = "low_rank", settings = { energy = 0.9 } }, "int8"]
[[chain]]
steps = [{ technique = "low_rank", settings = { left = 0.4, exclude = ["first"] } }, "pruning", "int8"]
[[chain]]
steps = [{ technique = "low_rank", settings = { left = 0.25 } }, "int8"]
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The report of a build."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "tiny.py").write_text(MODEL, encoding="utf-8")
    (folder / "edgekit.toml").write_text(PROJECT, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "EDGEKIT_CACHE": str(folder / "cache")}
    command = [sys.executable, "-m", "edgekit", "build", "--device", "rpi4", "--json"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


@pytest.mark.tf
@pytest.mark.slow
def test_it_is_proposed_and_proved_in_a_smaller_file(built):
    """What is chosen is smaller still: channels are left out, and most of the weights that stay are zero."""
    tried = {candidate["candidate"]: candidate for candidate in built["candidates"]}
    proposed = [*tried, *(one["technique"] for one in built["declined"])]
    assert any(name.startswith("low_rank_") for name in proposed)
    plain, best = tried["own_1:int8"], tried["own_4:low_rank_25+int8"]
    assert built["chosen"]["metrics"]["flash"]["value"] <= best["metrics"]["flash"]["value"]
    assert best["outcome"] == "pass", best["reason"]
    assert best["metrics"]["flash"]["value"] < 0.75 * plain["metrics"]["flash"]["value"]
    assert best["metrics"]["macs"]["value"] < 0.5 * plain["metrics"]["macs"]["value"]
    assert best["control"] == "fine_tuning+float32"
    assert any(one.startswith("low_rank, in the file: 2 of 2 factorised layers") for one in best["evidence"])


@pytest.mark.tf
@pytest.mark.slow
def test_chains_of_the_project_keep_an_energy_or_leave_a_layer_out(built):
    tried = {candidate["candidate"]: candidate for candidate in built["candidates"]}
    energy, chain = tried["own_2:low_rank_energy_90+int8"], tried["own_3:low_rank_40+pruning_50+int8"]
    for one in (energy, chain):
        assert one["metrics"]["accuracy"]["value"] > 0.5, one["reason"]
    assert energy["metrics"]["flash"]["value"] < tried["own_1:int8"]["metrics"]["flash"]["value"]
    for one in (energy, chain):
        assert any("1 of 1 factorised layers" in found for found in one["evidence"]), one["evidence"]
    assert any("50.0% zeros" in one for one in chain["evidence"])
