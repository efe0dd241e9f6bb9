"""Samples from a data set on disk to a model: calibration samples and whole splits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from edgekit.ingest.dataset import Dataset, Split


def representative(
    dataset: Dataset, rows: np.ndarray, names: list[str], dtypes: list[Any], report: Callable[[int, int], None]
) -> Callable[[], Iterator[dict[str, np.ndarray]]]:
    """The generator that the converter calls: one sample a step, in batches of one, in TensorFlow's `dtypes`.

    Inputs go by their names: the converter sorts them, and of a list it would calibrate each with another's values.
    """
    inputs = dataset.inputs("train")

    def samples() -> Iterator[dict[str, np.ndarray]]:
        for done, row in enumerate(rows):
            report(done + 1, len(rows))
            ports = zip(names, inputs, dtypes, strict=True)
            yield {name: array[row : row + 1].astype(dtype.as_numpy_dtype, copy=False) for name, array, dtype in ports}

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
