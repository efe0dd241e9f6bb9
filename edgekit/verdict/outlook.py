"""What a training will have lost at its end, predicted from its first epochs, and whether the rest of it can still be enough.

The loss of accuracy falls ever more slowly as a fine-tune goes on. So that it goes on falling as fast as it did in the last epochs is the optimistic end of
the prediction, and that it stays what it is the pessimistic one; the scatter of the samples widens both. Where a loss falls faster from epoch to epoch,
as when a network begins to learn, nothing is predicted. How often the rule holds is in docs/benchmarks.md. It knows points and shares of a training, and no model.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from edgekit.values import Value
from edgekit.verdict.wording import points_as

LEAST_SEEN = 3
"""So many epochs are seen before anything is predicted: two falls of the loss, to see whether they become smaller."""


class Lost(Value):
    """The points that a model lost when a share of its training (`at`, 0 to 1) was over, with their 95% interval."""

    at: float
    points: float
    low: float
    high: float


class Outlook(Value):
    """The points that are predicted to be lost at the end of a training, with both ends; why the rest of it is not spent, and what was seen (`source`)."""

    points: float
    low: float
    high: float
    reason: str
    source: str


def hopeless(seen: Sequence[Lost], max_drop: float, *, epochs: float) -> Outlook | None:
    """The prediction for the end, where even its low end is above `max_drop` points; None where it is not, or nothing can be predicted yet.

    `seen` has one entry an epoch, the last one being now; `epochs` is the length of the training.

    >>> flat = [Lost(at=at, points=8.0, low=7.0, high=9.0) for at in (0.1, 0.2, 0.3)]
    >>> hopeless(flat, 1.0, epochs=10).low, hopeless(flat, 7.5, epochs=10)
    (7.0, None)
    """
    falls = [(one.points - next_.points) / (next_.at - one.at) for one, next_ in pairwise(seen)]
    if len(seen) < LEAST_SEEN or falls[-1] > max(falls[-2], 0.0):
        return None
    best, now = min(seen, key=lambda one: one.points), seen[-1]
    steepest = max(0.0, *((one.points - best.points) / (now.at - one.at) for one in seen[-3:-1]))
    at_best = best.points - steepest * (1 - now.at)
    low = at_best - (best.points - best.low)
    if low <= max_drop:
        return None
    done = f"{now.at * epochs:.3g} of {epochs:.3g} epochs"
    return Outlook(
        points=(at_best + best.points) / 2,
        low=low,
        high=best.high,
        reason=(
            f"after {done} {points_as(f'{best.points:.2f}')} are lost on the validation split; {low:.2f} to {best.high:.2f} are predicted at the end, "
            f"at most {max_drop:g} may be lost: the rest of the fine-tune was not spent"
        ),
        source=f"the fall of the loss in the last of {done}, going on as fast or ending there, with the 95% interval of the samples",
    )
