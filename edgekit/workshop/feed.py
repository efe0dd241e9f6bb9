"""Samples from a data set on disk to a model: batches in a seeded order, calibration samples, whole splits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from edgekit.dataset import Dataset, Split
from edgekit.ingest.split import stratified_rows
from edgekit.workshop.door import Door


def training_sequence(tools: Door, dataset: Dataset, *, batch_size: int, seed: int, model: Any) -> Any:
    """A tf_keras Sequence of the training split: another order each epoch, the same for the same seed."""
    inputs, targets, rows = dataset.inputs("train"), dataset.targets("train"), dataset.rows("train")
    dtypes = [tensor.dtype.as_numpy_dtype for tensor in model.inputs]

    class Batches(tools.keras.utils.Sequence):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            self.epoch = 0
            self.on_epoch_end()

        def __len__(self) -> int:
            return -(-len(rows) // batch_size)

        def on_epoch_end(self) -> None:
            self.order = np.random.default_rng([seed, self.epoch]).permutation(rows)
            self.epoch += 1

        def __getitem__(self, index: int) -> tuple[Any, Any]:
            picked = np.sort(self.order[index * batch_size : (index + 1) * batch_size])
            x = [array[picked].astype(dtype, copy=False) for array, dtype in zip(inputs, dtypes, strict=True)]
            y = [np.asarray(array[picked]) for array in targets]
            return (x if len(x) > 1 else x[0]), (y if len(y) > 1 else y[0])

    return Batches()


def calibration_rows(dataset: Dataset, *, count: int, seed: int) -> np.ndarray:
    """Rows of the training split for the representative data set, stratified by class."""
    return stratified_rows(dataset.targets("train")[0], dataset.rows("train"), count, seed)


def representative(
    dataset: Dataset, rows: np.ndarray, model: Any, report: Callable[[int, int], None]
) -> Callable[[], Iterator[list[np.ndarray]]]:
    """The generator that the converter asks for: one sample a step, batch of one, in the model's dtypes."""
    inputs = dataset.inputs("train")
    dtypes = [tensor.dtype.as_numpy_dtype for tensor in model.inputs]

    def samples() -> Iterator[list[np.ndarray]]:
        for done, row in enumerate(rows):
            report(done + 1, len(rows))
            yield [array[row : row + 1].astype(dtype, copy=False) for array, dtype in zip(inputs, dtypes, strict=True)]

    return samples


def calibration_note(dataset: Dataset, rows: np.ndarray) -> str:
    """How many samples, and how much of the training data's range they cover, input by input."""
    parts = []
    for array, files in zip(dataset.inputs("train"), dataset.splits["train"].inputs, strict=True):
        picked = array[rows]
        span = files.high - files.low
        covered = (float(picked.max()) - float(picked.min())) / span if span else 1.0
        parts.append(
            f"{float(picked.min()):.4g} to {float(picked.max()):.4g}, {covered:.0%} of the training data's {files.low:.4g} to {files.high:.4g}"
        )
    return f"{len(rows)} training samples; range {'; '.join(parts)}"


def split_batches(dataset: Dataset, split: Split, dtypes: list[Any], size: int = 256) -> Iterator[list[np.ndarray]]:
    """The inputs of a split in order, in batches."""
    inputs, rows = dataset.inputs(split), dataset.rows(split)
    for start in range(0, len(rows), size):
        picked = rows[start : start + size]
        yield [array[picked].astype(dtype, copy=False) for array, dtype in zip(inputs, dtypes, strict=True)]
