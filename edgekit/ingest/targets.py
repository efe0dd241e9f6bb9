"""The facts of a split's targets, read in blocks: range, whether all are whole numbers, rows with a single 1, counts by class."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edgekit.ingest.arrays import SCAN_ROWS_BYTES
from edgekit.ingest.dataset import Dataset, Split
from edgekit.verdict.targets import MOST_CLASSES, MOST_DISTINCT, Rows, TargetFacts

SUM_TO_ONE = 1e-3


def target_facts(dataset: Dataset, split: Split) -> tuple[TargetFacts, ...]:
    """The facts of each target of a split, over its own rows."""
    rows = dataset.rows(split)
    return tuple(facts_of(array, rows) for array in dataset.targets(split))


def facts_of(array: np.ndarray, rows: np.ndarray) -> TargetFacts:
    """The facts of some rows of a target array; at most one block is in memory."""
    seen = _Seen(array)
    for block in blocks(array, rows):
        seen.add(block)
    return seen.facts(len(rows))


def blocks(array: np.ndarray, rows: np.ndarray) -> Iterator[np.ndarray]:
    """Some rows of an array in parts of about 32 MiB."""
    step = max(1, SCAN_ROWS_BYTES // max(1, array[:1].nbytes))
    for start in range(0, len(rows), step):
        yield np.asarray(array[rows[start : start + step]])


class _Seen:
    """What is known of an array so far."""

    def __init__(self, array: np.ndarray) -> None:
        self._sample, self._dtype = tuple(array.shape[1:]), array.dtype
        self._has_rows = bool(self._sample) and self._sample[-1] > 1
        self._low, self._high = np.inf, -np.inf
        self._whole, self._one_hot, self._shares = True, False, self._has_rows
        self._counts: np.ndarray | None = np.zeros(0, np.int64)
        self._columns = np.zeros(self._sample[-1] if self._has_rows else 0, np.int64)
        self._values: set[float] = set()

    def add(self, block: np.ndarray) -> None:
        """Take in the next rows."""
        self._low, self._high = min(self._low, float(block.min())), max(self._high, float(block.max()))
        if self._whole and self._dtype.kind == "f":
            self._whole = bool((np.floor(block) == block).all())
        if self._has_rows and (self._shares or self._is_zero_one()):
            self._add_rows(block.reshape(-1, block.shape[-1]))
        if self._dtype.kind in "iub":
            self._count(block)
        if len(self._values) < MOST_DISTINCT:
            self._values |= set(np.unique(block)[:MOST_DISTINCT].tolist())

    def _add_rows(self, rows: np.ndarray) -> None:
        sums = rows.sum(axis=-1, dtype=np.float64)
        self._shares = self._shares and bool((np.abs(sums - 1) < SUM_TO_ONE).all() and rows.min() >= 0)
        self._one_hot = self._shares and self._is_zero_one()
        if self._is_zero_one():
            self._columns += (rows == 1).sum(axis=0)

    def _is_zero_one(self) -> bool:
        return self._whole and self._low >= 0 and self._high <= 1

    def _count(self, block: np.ndarray) -> None:
        if self._counts is None or self._low < 0 or self._high >= MOST_CLASSES:
            self._counts = None
            return
        found = np.bincount(block.reshape(-1).astype(np.int64), minlength=len(self._counts))
        found[: len(self._counts)] += self._counts
        self._counts = found

    def facts(self, samples: int) -> TargetFacts:
        """All of it, as a value."""
        rows: Rows | None = None
        if self._has_rows:
            rows = "one-hot" if self._one_hot else "distribution" if self._shares else "other"
        counts = self._counts if self._dtype.kind in "iub" else None
        return TargetFacts(
            sample=self._sample,
            dtype=self._dtype.name,
            samples=samples,
            low=float(self._low),
            high=float(self._high),
            whole=self._whole,
            rows=rows,
            counts=() if counts is None else tuple(int(count) for count in counts),
            columns=tuple(int(count) for count in self._columns) if self._has_rows and self._is_zero_one() else (),
            distinct=min(len(self._values), MOST_DISTINCT),
        )
