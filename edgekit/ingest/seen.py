"""Figures of a data set's arrays, from which findings about data are made: copies, blank samples, values."""

from __future__ import annotations

from edgekit.ingest.dataset import Split
from edgekit.values import Value

MOST_CHANNELS = 4096


class InputSeen(Value):
    """The values of one input in a split.

    `low` and `high` are those of all samples; `mean`, `std` and the quantiles (5%, 50%, 95%) those of samples spread over the
    split. `still` are the items of the last axis that never vary; empty if there are more than `MOST_CHANNELS` items.
    """

    sample: tuple[int, ...]
    low: float
    high: float
    mean: float
    std: float
    quantiles: tuple[float, float, float]
    still: tuple[int, ...] = ()


class SplitSeen(Value):
    """How many samples a split has. Of these, `twins` have an equal sample in the split, `repeats` are equal to an earlier one,
    `conflicts` have an equal sample with another target, and `blanks` have one value throughout.

    `bits` is the binary logarithm of how many different samples there could be, with a sample's values taken as independent.
    """

    samples: int
    inputs: tuple[InputSeen, ...]
    twins: int = 0
    repeats: int = 0
    conflicts: int = 0
    blanks: int = 0
    bits: float = 0.0


class Overlap(Value):
    """Samples of one split that also occur in another: of `samples`, `exact` are equal to one there in every value.

    For images, `looked` were compared by small pictures with those of the other split, and `near` closely resemble one there
    without being equal. For comparison, of `looked_within` samples of the other split, `within` resemble another one there as
    closely, which is the rate by chance. `twins` is the share of the other split's samples that have an equal one there.
    `conflicts` counts equal samples with another target.
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
    """All figures of a data set."""

    splits: dict[Split, SplitSeen]
    overlaps: tuple[Overlap, ...] = ()
