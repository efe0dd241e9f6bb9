"""Facts about the values of a split's targets, enough to tell class numbers from ages, and labels from positions.

How the arrays are read is known to `edgekit.ingest`.
"""

from __future__ import annotations

from typing import Literal

from edgekit.values import Value

Rows = Literal["one-hot", "distribution", "other"]
MOST_DISTINCT = 1000
MOST_CLASSES = 10_000
"""Larger numbers are not counted as classes: no output here has so many."""


class TargetFacts(Value):
    """The targets of one output: `sample` is the shape of one, `low` and `high` the range of all.

    `whole` says that every value is a whole number. `rows` describes targets with several items in their last axis: each
    row is a single 1 among zeros ('one-hot'), or values that sum to 1 ('distribution'); else None. `counts`
    has how often each integer from 0 on occurs, `columns` how many rows of zeros and ones have a 1 in each item; both are
    empty for anything else. `distinct` counts the different values, up to `MOST_DISTINCT`, which means that many or more.
    """

    sample: tuple[int, ...]
    dtype: str
    samples: int
    low: float
    high: float
    whole: bool
    rows: Rows | None = None
    counts: tuple[int, ...] = ()
    columns: tuple[int, ...] = ()
    distinct: int = 0

    @property
    def is_float(self) -> bool:
        """Whether they are stored as floats."""
        return self.dtype.startswith("float")

    @property
    def is_zero_one(self) -> bool:
        """Whether every value is 0 or 1."""
        return self.whole and self.low >= 0 and self.high <= 1
