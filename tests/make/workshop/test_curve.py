"""A fine-tune that is ended where its end is predicted to lose too much, and one that is not; on a model of a few weights."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.ingest.dataset import Dataset
from edgekit.ingest.spool import spool_result
from edgekit.progress import no_progress
from edgekit.project.project_file import DataTable
from edgekit.values import to_builtins
from edgekit.verdict.metric_spec import MetricSpec

pytestmark = pytest.mark.tf
SAMPLES, CLASSES, EPOCHS = 400, 4, 6


@pytest.fixture(scope="module")
def tools() -> Any:
    from edgekit.make.workshop.door import door

    return door()


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    y = np.arange(SAMPLES) % CLASSES
    x = np.eye(CLASSES, dtype=np.float32)[y]
    arrays = {f"{name}_{split}": array for split in ("train", "val", "test") for name, array in (("x", x), ("y", y))}
    return spool_result(
        arrays, tmp_path_factory.mktemp("data"), names=("x",), options=to_builtins(DataTable(source="data")), seed=0,
        progress=no_progress,
    )  # fmt: skip


def trained(tools: Any, dataset: Dataset, folder: Path, *, rate: float, max_drop: float = 1.0, share: float = 1.0):
    """The curve and the steps of a fine-tune that begins with a model which knows no class, beside one that knows all."""
    from edgekit.make.workshop.curve import Curve, Hopeless
    from edgekit.make.workshop.fit import Fit

    tools.fresh(0)
    layers, steps = tools.keras3.layers, list[int]()
    given = tools.keras3.Input((CLASSES,))
    model = tools.keras3.Model(
        given, layers.Dense(CLASSES, activation="softmax", kernel_initializer="zeros", bias_initializer=wrong)(given)
    )
    np.save(folder / "reference.npy", np.eye(CLASSES, dtype=np.float32)[dataset.targets("validation")[0][:]])
    asked = {
        "metric": to_builtins(MetricSpec()), "max_drop": max_drop, "reference": [str(folder / "reference.npy")],
    }  # fmt: skip
    settings = {"epochs": EPOCHS, "batch_size": 100, "learning_rate": rate, "distillation": 0.0, "temperature": 1.0}
    job = {"training": settings, "losses": ["sparse_categorical_crossentropy"], "seed": 0}
    curve = Curve(dataset, asked)

    def progress(phase: str, done: int, total: int) -> None:
        steps.append(done)

    fit = Fit(tools, dataset, job, lambda model: (), progress, math.inf, curve)
    try:
        fit.fit(model, share=share)
    except Hopeless as hopeless:
        return curve, steps, hopeless.outlook
    return curve, steps, None


def wrong(shape: Any, dtype: Any = None) -> Any:
    """A bias that is sure of the first class, so that small steps change no answer."""
    return np.array([9.0, 0.0, 0.0, 0.0], np.float32)


def test_a_fine_tune_without_hope_is_ended_after_three_epochs(tools, dataset, tmp_path):
    curve, steps, outlook = trained(tools, dataset, tmp_path, rate=1e-5)
    assert steps == list(range(1, 13)), "three epochs of four steps"
    assert [one.points for one in curve.lost] == [75.0] * 3, "three of four classes"
    assert outlook is not None and outlook.low == curve.lost[0].low and 60 < outlook.low < 75 < outlook.high
    assert outlook.reason.startswith("after 3 of 6 epochs 75.00 points are lost on the validation split;")


def test_one_that_learns_is_not(tools, dataset, tmp_path):
    curve, _, outlook = trained(tools, dataset, tmp_path, rate=1.0)
    assert outlook is None and curve.lost[-1].points <= 1.0
    assert [one.at for one in curve.lost] == [number / EPOCHS for number in range(1, len(curve.lost) + 1)]


def test_a_training_between_rounds_is_never_ended(tools, dataset, tmp_path):
    curve, steps, outlook = trained(tools, dataset, tmp_path, rate=1e-5, share=0.9)
    assert outlook is None and curve.lost == [] and len(steps) > 12
