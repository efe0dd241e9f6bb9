"""Makes samples of rows: windows of a time series, the split of each, and the arrays of each split on disk."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edgekit.errors import DataError
from edgekit.ingest.arrays import ArrayWriter
from edgekit.ingest.split import split_rows

AT_ONCE_BYTES = 16 * 2**20


def window_starts(rows: int, window: int, marks: Sequence[np.ndarray]) -> np.ndarray:
    """The first row of each window: consecutive, without overlap, never across a change in one of the `marks`.

    >>> window_starts(7, 2, [np.array([0, 0, 0, 1, 1, 1, 1])]).tolist()
    [0, 3, 5]
    """
    changes = np.zeros(rows, bool)
    changes[:1] = True
    for mark in marks:
        changes[1:] |= mark[1:] != mark[:-1]
    begins = np.flatnonzero(changes)
    lengths = np.diff([*begins, rows])
    parts = [begin + window * np.arange(length // window) for begin, length in zip(begins, lengths, strict=True)]
    return np.concatenate(parts).astype(np.int64) if parts else np.empty(0, np.int64)


def whole_groups(groups: np.ndarray, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Sample numbers (rest, held out) that keep each group's samples together: groups are drawn until the share is reached.

    Raises `DataError` if there are fewer than two groups.
    """
    names, counts = np.unique(groups, return_counts=True)
    if len(names) < 2:
        raise DataError(
            "too few groups to hold some out", where="[data] group", received=len(names), allowed="two at least"
        )
    order = np.random.default_rng(seed).permutation(len(names))
    before = np.cumsum(counts[order]) - counts[order]
    held = names[order[(before < fraction * len(groups)) & (np.arange(len(order)) < len(order) - 1)]]
    chosen = np.isin(groups, held)
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)


def held_out(
    targets: np.ndarray, groups: np.ndarray | None, fraction: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Sample numbers (rest, held out): whole groups if there are groups, else a share of each class."""
    return split_rows(targets, fraction, seed) if groups is None else whole_groups(groups, fraction, seed)


def write_split(
    source: Path,
    target: Path,
    split: str,
    starts: np.ndarray,
    window: int,
    y: np.ndarray,
    shape: tuple[int, ...] | None,
) -> None:
    """Write the samples that begin at some rows of `source` as `x_SPLIT_0.npy` and their targets as `y_SPLIT_0.npy`."""
    rows = np.load(source, mmap_mode="r")
    writer = ArrayWriter(target / f"x_{split}_0.npy", f"samples of {split}")
    step = max(1, AT_ONCE_BYTES // max(1, rows[:1].nbytes * window))
    for begin in range(0, len(starts), step):
        picked = starts[begin : begin + step]
        batch = rows[picked] if window == 1 else rows[picked[:, None] + np.arange(window)]
        writer.append(batch if shape is None else batch.reshape(len(batch), *shape))
    writer.close()
    np.save(target / f"y_{split}_0.npy", y)
