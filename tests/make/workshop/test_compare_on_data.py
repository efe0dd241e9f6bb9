"""A model is held against its original on the user's data, where random input may show nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.errors import ModelError
from edgekit.ingest.spool import spool_result
from edgekit.progress import no_progress
from edgekit.project.project_file import DataTable
from edgekit.values import to_builtins

pytestmark = pytest.mark.tf
FAR = 1000.0
"""The user's samples are around this number, and random ones between -1 and 2."""


def job_of(tools: Any, folder: Path, *, threshold: float) -> dict[str, Any]:
    """A Keras 2 file whose ReLU begins far away, what `load` made of a model whose ReLU begins at `threshold`, and data around there."""
    from edgekit.make.workshop.load import load

    job: dict[str, Any] = {
        "imports": [],
        "root": str(folder),
        "trust": False,
        "seed": 0,
        "sha256": "",
        "is_function": False,
        "samples": 8,
    }
    made = [FAR, threshold]
    for name, begin in zip(("original", "other"), made, strict=True):
        layers = tools.keras.layers
        model = tools.keras.Sequential(
            [
                layers.Input((4,)),
                layers.Dense(4, kernel_initializer="identity"),
                layers.ReLU(threshold=begin, name="far"),
                layers.Dense(2, kernel_initializer="ones"),
            ]
        )
        model.save(folder / f"{name}.h5")
    target = folder / "loaded"
    target.mkdir()
    load({**job, "source": str(folder / "other.h5"), "target": str(target)}, no_progress)
    x = np.random.default_rng(0).uniform(FAR - 10, FAR + 10, (16, 4)).astype("float32")
    (folder / "data").mkdir()
    splits = dict.fromkeys(("train", "validation", "test"), (x, np.zeros(16, "float32")))
    options = to_builtins(DataTable(source="data"))
    data = spool_result(splits, folder / "data", names=("x",), options=options, seed=0, progress=no_progress)
    return {**job, "source": str(folder / "original.h5"), "model": str(target), "dataset": str(data.root)}


def test_a_model_that_was_rebuilt_answers_alike(tools: Any, tmp_path: Path) -> None:
    from edgekit.make.workshop.compare_on_data import compare_on_data

    assert compare_on_data(job_of(tools, tmp_path, threshold=FAR), no_progress)["error"] < 1e-5


def test_a_difference_that_random_input_does_not_show_is_found(tools: Any, tmp_path: Path) -> None:
    """Below both thresholds all answers are zero; between them the models differ, and the layer is named."""
    from edgekit.make.workshop.compare_on_data import compare_on_data

    with pytest.raises(ModelError, match="'far' of type ReLU is the first to differ") as problem:
        compare_on_data(job_of(tools, tmp_path, threshold=FAR + 5), no_progress)
    assert "on samples of your data" in str(problem.value.received)
