"""Whether a candidate may still be chosen over the best so far, by its predictions and by figures that are cheap to take.

A conversion takes seconds, so it is tried even where it must do a little better than predicted. A training takes
minutes, so it must be predicted to save something that matters. A candidate's accuracy is the most expensive figure:
here it is assumed to lose nothing.
"""

from __future__ import annotations

import math

from edgekit.documents.report import Metrics
from edgekit.planner.proposal import Proposal
from edgekit.planner.ranking import COSTS, NEAR, TIE, Standing, place, share, text_of, why
from edgekit.techniques.interface import COUNTS, Task

WORTHWHILE = 0.99
"""A candidate is worth a trial only where it is predicted below this share of the best."""
SIZES_MAY_BE = 0.9
"""A conversion's size may be as small as this share of its prediction, once the baseline has corrected that."""
TIMES_MAY_BE = 0.7
"""The same for a latency, where latencies are measured; two predictions by one cost model are compared without a margin."""


def no_hope(task: Task, candidate: Proposal, best: Standing, known: Metrics | None = None) -> str | None:
    """Why a candidate cannot be chosen over the best so far; None where it may be.

    `known` holds figures of its file that were already taken; they replace their predictions.
    """
    trains, found = len(candidate.steps) > 1, _taken(known)
    currency = task.goal.currency
    if currency is not None:
        return _no_smaller(candidate, best, currency, found, trains=trains)
    if task.goal.aim == "accurate" and best.drop > 0:
        return None
    if trains and task.goal.aim == "accurate":
        return f"{best.name} fits and loses nothing"
    mine = _outlook(task, candidate, best, found)
    if trains:
        return _saves_nothing(task, mine, best)
    winner, loser = place(task, [mine, best])
    if winner.standing.name == mine.name:
        return None
    return f"{'' if known else 'predicted: '}{why(task, best, loser)}"


def _taken(known: Metrics | None) -> dict[str, float]:
    return {name: float(one.value) for name, one in (known or {}).items() if name in COSTS and one.value is not None}


def _no_smaller(
    candidate: Proposal, best: Standing, currency: str, found: dict[str, float], *, trains: bool
) -> str | None:
    """Why a candidate cannot win where the goal makes one metric small: it does not make it smaller."""
    estimate, least = candidate.estimates.get(currency), best.cost(currency)
    if currency in found:
        if found[currency] <= least * TIE:
            return None
        return (
            f"its {currency} is {text_of(currency, found[currency])}, {best.name} fits with {text_of(currency, least)}"
        )
    if estimate is None or (estimate.value if trains else estimate.low) < least * WORTHWHILE:
        return None
    predicted = f"{text_of(currency, estimate.value)} of {currency} predicted"
    return f"{predicted}, {best.name} fits with {text_of(currency, least)}"


def _outlook(task: Task, candidate: Proposal, best: Standing, found: dict[str, float]) -> Standing:
    """The best that a candidate may turn out to be: its figures, else predictions lowered by what they may be off by, and no loss."""
    time = TIMES_MAY_BE if "latency" in best.measured else 1.0
    doubts = {name: 1.0 if len(candidate.steps) > 1 else time if name == "latency" else SIZES_MAY_BE for name in COSTS}
    # Once there are figures of the file, a prediction counts by its low end, so that no trial is ended that the
    # complete figures would not end.
    predicted = {
        name: one.low if found else max(one.low, one.value * doubts[name]) for name, one in candidate.estimates.items()
    }
    lost = best.drop if task.goal.aim == "accurate" else -math.inf
    costs = {**predicted, **found}
    return Standing(name=candidate.name, costs=costs, drop=lost, steps=len(candidate.steps), measured=best.measured)


def _saves_nothing(task: Task, mine: Standing, best: Standing) -> str | None:
    """Why a training does not pay: all that it is predicted to save is too little to matter."""
    if share(task, best) > share(task, mine) * NEAR + COUNTS:
        return None
    less = [
        f"{text_of(name, best.cost(name) - mine.cost(name))} of {text_of(name, best.cost(name))} {name}"
        for name in COSTS
        if task.room(name) and mine.cost(name) < best.cost(name) < math.inf
    ]
    saved = f"would save {' and '.join(less)}, which no longer counts" if less else "would save nothing that counts"
    return f"{best.name} fits, and training {saved}"
