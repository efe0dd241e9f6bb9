"""What was seen of a data set's arrays: copies, blank samples, values; the figures that findings about data are made of."""

from __future__ import annotations

from edgekit.ingest.dataset import Split
from edgekit.values import Value

MOST_CHANNELS = 4096


class InputSeen(Value):
    """The values of one input in a split.

    `low` and `high` are of all of them, `mean`, `std` and the quantiles (5%, 50%, 95%) of samples spread over the split.
    `still` are the items of the last axis that never vary; empty where there are more than `MOST_CHANNELS`.
    """

    sample: tuple[int, ...]
    low: float
    high: float
    mean: float
    std: float
    quantiles: tuple[float, float, float]
    still: tuple[int, ...] = ()


class SplitSeen(Value):
    """The samples of a split: how many, and of them `twins` that have an equal in the split, `repeats` of an earlier one.

    `conflicts` have an equal with another target, `blanks` have one value throughout. `bits` is how much the values of a
    sample tell if they are independent: the binary logarithm of how many different samples there could be.
    """

    samples: int
    inputs: tuple[InputSeen, ...]
    twins: int = 0
    repeats: int = 0
    conflicts: int = 0
    blanks: int = 0
    bits: float = 0.0


class Overlap(Value):
    """Samples of one split that stand in another: `exact` of all `samples` are equal in every value.

    Of images `looked` were compared by small pictures with those of the other split: `near` resemble one closely and are
    not equal to it. `within` of `looked_within` samples of the other split resemble another one there as closely, which
    is what chance gives. `twins` is the share of the other split's samples that have an equal there. `conflicts` are
    equal and have another target.
    """

    first: Split
    second: tuple[Split, ...]
    samples: int
    exact: int
    twins: float
    conflicts: int = 0
    looked: int = 0
    near: int = 0
    looked_within: int = 0
    within: int = 0


class DataSeen(Value):
    """All that was seen of a data set."""

    splits: dict[Split, SplitSeen]
    overlaps: tuple[Overlap, ...] = ()
