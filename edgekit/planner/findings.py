"""What makes the choice of a search hard to believe: the time budget cut it, or there are too few samples to choose by.

Each is a `Finding`, which decides nothing itself. This file knows nothing of the data or the model.
"""

from __future__ import annotations

from collections.abc import Sequence

from edgekit.documents.report import Finding, Metric
from edgekit.verdict.intervals import paired_difference
from edgekit.verdict.wording import points_as

TIME_CUT = "time_cut"
NAMED = 5
"""A finding names at most this many candidates."""
HALF_A_POINT = 0.5


def time_cut(not_tried: Sequence[str], shortened: Sequence[tuple[str, Sequence[str]]]) -> Finding | None:
    """The finding that the time budget cut a search: candidates not tried, and candidates whose training was cut, with what was cut."""
    parts = []
    if not_tried:
        named = ", ".join(not_tried[:NAMED]) + (", ..." if len(not_tried) > NAMED else "")
        parts.append(f"{_count(len(not_tried), 'candidate')} not tried ({named})")
    parts += [f"{name}: {', '.join(cut)}" for name, cut in shortened]
    if not parts:
        return None
    return Finding(
        name=TIME_CUT,
        what=f"the time budget cut the search: {'; '.join(parts)}",
        advice="the same command with a longer --time-budget goes on with what is done",
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what} was" if number == 1 else f"{number} {what}s were"


def few_samples(drop: Metric | None, max_drop: float) -> Finding | None:
    """The finding that there are too few samples to tell a drop of `max_drop` points, or of half a point where that is more."""
    if drop is None or drop.samples is None:
        return None
    told, reach = max(max_drop, HALF_A_POINT), reach_of(drop.samples)
    if reach <= told:
        return None
    return Finding(
        name="validation_too_small",
        what=f"{drop.samples} validation samples cannot tell {points_as(f'{told:g}')}: with no decision changed, the 95% interval of a drop still reaches "
        f"{points_as(f'{reach:.2f}')}",
        advice="give more samples (x_val, y_val), or hold out more of the training split (data.validation)",
    )


def reach_of(samples: int) -> float:
    """The upper end, in points, of a drop's 95% interval where none of so many decisions changed.

    >>> round(reach_of(140), 2), round(reach_of(1237), 2)
    (1.95, 0.22)
    """
    return 100 * paired_difference(0, 0, samples).high
