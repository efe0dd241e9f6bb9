"""The benchmark of the two engines makes every file, compares it with what was trained, and takes a step of each."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent.parent
USER = """
import numpy as np

def arrays():
    x = np.random.default_rng(0).random((32, 8, 8, 1), dtype=np.float32)
    y = np.arange(32) % 4
    return {f"{name}_{split}": found for split in ("train", "val", "test") for name, found in (("x", x), ("y", y))}

def trained_model():
    import keras
    keras.utils.set_random_seed(0)
    layers = [keras.Input((8, 8, 1)), keras.layers.Conv2D(8, 3, activation="relu"), keras.layers.Flatten()]
    model = keras.Sequential([*layers, keras.layers.Dense(4, activation="softmax")])
    model.compile(loss="sparse_categorical_crossentropy")
    return model
"""


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("benchmark_engines", ROOT / "tools" / "benchmark_engines.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where its dataclasses look for their types
    spec.loader.exec_module(module)
    return module


def test_outputs_agree_that_are_a_step_apart(tool):
    answers = np.array([0.0, 0.0, 0.5, 0.5], np.float32)
    assert tool.agreement(np.array([0.0, 0.25, 0.25, 1.0], np.float32), answers, 0.25) == 3 / 4


def test_a_row_has_the_mean_of_the_seeds_and_each(tool):
    def file(accuracy: float, seconds: float) -> dict[str, Any]:
        agreement = {"built_in": 1.0, "xnnpack": 0.5}
        return {
            "accuracy": accuracy,
            "ratio": 1.25,
            "seconds": seconds,
            "bytes": 1024,
            "operators": 4,
            "agreement": agreement,
        }

    (row,) = tool.rows_of("net", {"edgekit": [file(0.5, 10.0), file(0.75, 20.0)]})
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells == [
        "net",
        "edgekit",
        "62.50% ± 17.68",
        "50.00, 75.00",
        "1.25",
        "15",
        "1,024",
        "4",
        "100.00%",
        "50.00%",
    ]
    assert len(cells) == len(tool.COLUMNS)


@pytest.mark.tf
@pytest.mark.slow
def test_both_engines_are_compared_on_a_small_network(tool, tmp_path, monkeypatch):
    monkeypatch.setattr(tool, "PROJECTS", tmp_path / "projects")
    monkeypatch.setattr(tool, "TURNS", 1)
    tool.PROJECTS.mkdir()
    (tool.PROJECTS / "small.py").write_text(USER, encoding="utf-8")
    project = tool.prepared(tool.Network(title="small", module="small", needs=""), tmp_path / "small")
    found = tool.compared(project, [0], {"epochs": 1, "learning_rate": 1e-3})
    assert list(found) == ["float32", "int8", "tfmot", "edgekit"]
    for engine in tool.ENGINES:
        (figures,) = found[engine]
        assert figures["ratio"] > 0 and figures["bytes"] < found["float32"][0]["bytes"]
        assert figures["agreement"].keys() == {"built_in", "xnnpack"}
    assert (project / "edgekit-0-file" / "model.tflite").is_file()
