"""A model that is no better than guessing on the data that it is judged by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgekit.documents.report import Finding
from edgekit.sanity.amounts import both, percent
from edgekit.sanity.decision_counts import Decided, beyond_chance

if TYPE_CHECKING:
    import numpy as np

SURE = 1.645
"""Standard deviations above chance; a model that only guesses exceeds them once in twenty."""
TELLABLE = 2 * SURE
"""If even perfect answers would not exceed chance by so many standard deviations, there are too few samples to tell."""
BELOW = -2.33
"""Standard deviations; a model that only guesses falls below them once in a hundred."""
ADVICE = (
    "compare a few samples by eye with what the model was trained on: the order of the labels, the range and the channels of the "
    "inputs, the split itself"
)


def at_chance(splits: list[Decided]) -> Finding | None:
    """Whether decisions are right no more often than by chance, by a permutation test of decisions against labels.

    Chance follows from how often each class occurs and how often it is predicted. None if there are too few samples to
    tell, or all samples are of one class.
    """
    told = [one for one in splits if _is_at_chance(one)]
    if not told:
        return None
    said = [
        f"{percent(one.score)} of {one.split} is right, where decisions that know nothing are right on {percent(one.chance)}"
        for one in told
    ]
    below = all(beyond_chance(one.table, one.samples)[0] < BELOW for one in told)
    return Finding(name="at_chance", what=f"{'below' if below else 'at'} chance: {'; '.join(said)}", advice=ADVICE)


def _is_at_chance(found: Decided) -> bool:
    labels = found.table.sum(axis=1) > 0
    if labels.sum() < 2:
        return False
    if (found.table.sum(axis=0) > 0).sum() < 2:  # it always answers the same
        return found.samples >= 8
    beyond, best = beyond_chance(found.table, found.samples)
    return best >= TELLABLE and beyond < SURE


def no_better_than_the_mean(splits: list[tuple[str, np.ndarray, np.ndarray]]) -> Finding | None:
    """The same for a regression: (split, targets, outputs) whose squared error is no less than that of the split's mean.

    Each column is judged by itself, so that one with large values does not hide the others.
    """
    import numpy as np

    told, stands_still, columns = [], True, 1
    for split, targets, outputs in splits:
        wanted, got = (np.asarray(each, np.float64).reshape(len(outputs), -1) for each in (targets, outputs))
        spread = ((wanted - wanted.mean(axis=0)) ** 2).sum(axis=0)
        varies = spread > 0
        if len(wanted) < 8 or not varies.any() or not np.isfinite(got).all():
            continue
        explained = 1 - ((wanted - got) ** 2).sum(axis=0)[varies] / spread[varies]
        if explained.max() <= 0:
            told.append((split, float(explained.max())))
            stands_still, columns = stands_still and not np.ptp(got, axis=0).any(), got.shape[1]
    if not told:
        return None
    seen = "its answers are the same for every sample, and no nearer to the targets than their mean is"
    if not stands_still:
        seen = "its answers are further from the targets than their mean is"
    best = ", in the best of its columns" if columns > 1 else ""
    return Finding(
        name="at_chance",
        what=f"on {both([split for split, _ in told])} {seen} (variance explained {told[0][1]:.2f}{best})",
        advice=ADVICE.replace("the order of the labels", "the unit and the order of the targets"),
    )
