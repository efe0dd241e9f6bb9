"""What the values of a split's targets say, taken once: enough to tell class numbers from ages, labels from positions.

How the arrays are read is the business of `edgekit.ingest`.
"""

from __future__ import annotations

from typing import Literal

from edgekit.values import Value

Rows = Literal["one-hot", "distribution", "other"]
MOST_DISTINCT = 1000
MOST_CLASSES = 10_000
"""Labels above are counted as no classes: no output here has so many."""


class TargetFacts(Value):
    """The targets of one output: `sample` is the shape of one, `low` and `high` the range of all.

    `whole` says that every value is a whole number. `rows` says of targets with several items in their last axis that each
    row is one 1 among zeros ('one-hot'), or shares that sum to 1 ('distribution'); None where there are no rows. `counts`
    has how often each integer from 0 on occurs, `columns` how many rows of zeros and ones have a 1 in each item; both are
    empty for anything else. `distinct` counts the values that occur, `MOST_DISTINCT` standing for as many or more.
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
