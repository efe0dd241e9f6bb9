"""Which of the candidates that hold every limit is chosen by the goal, and why it is better than another.

A goal is a list of criteria, applied one after another: each keeps those that are best by it, or within a slack of the
best, until one is left. `balanced` is (docs/techniques.md explains it for users):

    cost      the sum of the shares that flash, download, RAM and latency take of their limits; a share below 1% counts as 1%
              kept: within 3% of the least, or within 1% of a limit
    effort    latency times RAM, times flash where that has no limit: kept within 3% of the least; RAM, and a measured time, count from 1% of
              their limit
    accuracy  kept: within a tenth of what may be lost
    flash     kept: within 3% of the smallest, or within 1% of its limit
    order     the faster, then the smaller in RAM, the more accurate, the smaller file, by however little

Every criterion grows with every cost. So of two candidates, one that is no worse than the other in flash, RAM, latency
and accuracy stays at least as long: a candidate is never chosen over one that is better in some of them and worse in
none, unless a limit on the download speaks for it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from edgekit.planner.trial import Trial, figure
from edgekit.techniques.interface import COUNTS, Task
from edgekit.units import format_ms, format_size
from edgekit.values import Value

COSTS = ("flash", "download", "ram", "latency")
NEAR = 1.03
"""Figures whose ratio is at most this count as equal."""
TIE = 1.005
"""The same, for the one metric that a goal makes small."""
NOTICED = 0.1
"""Two losses differ where they are apart by more than this share of the loss that is allowed."""


class Standing(Value):
    """What a candidate is compared by: its costs by metric (absent: not known), the points it loses, and its number of steps.

    `measured` names the costs that were measured; far below its limit, such a figure is noise.
    """

    name: str
    costs: dict[str, float]
    drop: float
    steps: int
    measured: tuple[str, ...] = ()

    def cost(self, metric: str) -> float:
        """A cost; infinite where it is not known."""
        return self.costs.get(metric, math.inf)


class Placed(NamedTuple):
    """A standing, and the name of the criterion by which it lost; empty for the winner."""

    standing: Standing
    lost_by: str


class _Criterion(NamedTuple):
    """A figure of which less is better, and the slack within which more is as good: a `ratio` and an amount (`more`)."""

    name: str
    of: Callable[[Standing], float]
    ratio: float = 1.0
    more: float = 0.0

    def keeps(self, found: Sequence[Standing]) -> list[Standing]:
        least = min(self.of(one) for one in found)
        return [one for one in found if self.of(one) <= max(least, least * self.ratio) + self.more]


def standing(trial: Trial) -> Standing:
    """What a trial is compared by."""
    known = {name: figure(trial, name) for name in COSTS if name in trial.metrics}
    measured = tuple(name for name in known if trial.metrics[name].basis == "measured")
    drop, steps = figure(trial, "accuracy_drop"), len(trial.candidate.steps)
    return Standing(name=trial.candidate.name, costs=known, drop=drop, steps=steps, measured=measured)


def place(task: Task, found: Iterable[Standing]) -> list[Placed]:
    """The winner, and then the others, the last one to be ruled out first; empty where there are none."""
    left, lost = sorted(_with_equal_noise(found), key=lambda one: _order(task, one)), []
    for criterion in _criteria(task):
        kept = criterion.keeps(left) if left else []
        beaten = sorted((one for one in left if one not in kept), key=criterion.of)
        lost.append([Placed(one, criterion.name) for one in beaten])
        left = kept
    lost.append([Placed(one, "order") for one in left[1:]])
    return [*(Placed(one, "") for one in left[:1]), *(one for group in reversed(lost) for one in group)]


def _with_equal_noise(found: Iterable[Standing]) -> list[Standing]:
    """Standings whose latency all counts as measured where one is: noise of a measured time must not decide over a predicted one."""
    known = list(found)
    if not any("latency" in one.measured for one in known):
        return known
    return [replace(one, measured=tuple({*one.measured, "latency"})) for one in known]


def first(task: Task, trials: Sequence[Trial]) -> Trial | None:
    """The trial that the goal chooses; None where there are none."""
    placed = place(task, map(standing, trials))
    return next((trial for trial in trials if placed and trial.candidate.name == placed[0].standing.name), None)


def of_the_goal(task: Task, one: Standing) -> float:
    """The figure that the goal looks at first, of which less is better."""
    return _criteria(task)[0].of(one)


def share(task: Task, one: Standing) -> float:
    """The sum of the shares that a candidate's costs take of their limits, each at least `COUNTS`."""
    return sum(_shares(task, one).values())


def _shares(task: Task, one: Standing) -> dict[str, float]:
    rooms = {name: task.room(name) for name in COSTS}
    return {name: max(one.cost(name) / room, COUNTS) for name, room in rooms.items() if room}


def _criteria(task: Task) -> tuple[_Criterion, ...]:
    currency, lost = task.goal.currency, _Criterion("accuracy", lambda one: one.drop)
    if currency is not None:
        small, fast = (lambda one: one.cost(currency)), (lambda one: one.cost("latency"))
        steps = _Criterion("steps", lambda one: one.steps)
        return (_Criterion(currency, small, TIE), lost, steps, _Criterion("latency", fast))
    balanced = (
        _Criterion("cost", lambda one: share(task, one), NEAR, COUNTS),
        _Criterion("effort", lambda one: math.prod(_counted(task, one, name) for name in _effort_costs(task)), NEAR),
        lost._replace(more=NOTICED * task.goal.max_drop_points),
        _Criterion("flash", lambda one: one.cost("flash"), NEAR, COUNTS * (task.room("flash") or 0.0)),
    )
    return (lost, *balanced) if task.goal.aim == "accurate" else balanced


def _effort_costs(task: Task) -> tuple[str, ...]:
    """The costs of which less is better even far below their limits; not flash where it has a limit, since its share counted already."""
    return ("latency", "ram") if task.room("flash") else ("latency", "ram", "flash")


def _counted(task: Task, one: Standing, metric: str) -> float:
    """A cost as it is compared: RAM, and a measured time, count from 1% of their limit; a predicted time always counts in full."""
    room, cost = task.room(metric), one.cost(metric)
    return cost if not room or (metric == "latency" and metric not in one.measured) else max(cost, COUNTS * room)


def _order(task: Task, one: Standing) -> tuple[float | str, ...]:
    """The sort key of those that no criterion tells apart: the faster, smaller in RAM, more accurate, smaller."""
    counted = (_counted(task, one, "latency"), _counted(task, one, "ram"), one.drop)
    return (*counted, *(one.cost(name) for name in ("flash", "latency", "ram", "download")), one.steps, one.name)


def why(task: Task, winner: Standing, loser: Placed) -> str:
    """Why a candidate lost to the winner, in words that follow the loser's name."""
    other, by = loser.standing, loser.lost_by
    if by == "cost":
        return f"takes more of what there is: {_shares_text(task, other)}; {_short_name(winner)}: {_shares_text(task, winner)}"
    if by == "effort":
        named = [name for name in _effort_costs(task) if _counted(task, other, name) != _counted(task, winner, name)]
        more = [name for name in named if _counted(task, other, name) > _counted(task, winner, name)]
        what = _listed(more) if more == named else f"{_listed(named)} together"
        return f"takes more {what}: {_figures(other, named)}; {_short_name(winner)} {_figures(winner, named)}"
    if by in COSTS:
        worse = "is slower" if by == "latency" else f"takes more {by}"
        return f"{worse}{_both_figures(by, winner, other)}"
    if by == "accuracy":
        return f"costs as little and loses more: {_points(other.drop)}, {_short_name(winner)} {_points(winner.drop)}"
    if by == "steps":
        return f"is as good as {_short_name(winner)} and takes more steps to make"
    return _by_a_little(winner, other)


def _listed(names: Sequence[str]) -> str:
    """Names in a row, with 'and' before the last."""
    named = ["time" if name == "latency" else name for name in names]
    return " and ".join([", ".join(named[:-1]), named[-1]] if len(named) > 1 else named)


def _figures(one: Standing, names: Sequence[str]) -> str:
    return ", ".join(text_of(name, one.cost(name)) for name in names)


def _by_a_little(winner: Standing, other: Standing) -> str:
    """Why one of two that are equally good was chosen."""
    for metric in ("latency", "ram"):
        if winner.cost(metric) < other.cost(metric):
            what = "a little slower" if metric == "latency" else f"a little larger in {metric}"
            return f"is as good, and {what}{_both_figures(metric, winner, other)}"
    if winner.drop < other.drop:
        return (
            f"is as good, and loses a little more: {_points(other.drop)}, {_short_name(winner)} {_points(winner.drop)}"
        )
    return f"is as good as {_short_name(winner)}, which has the smaller file, or comes first by its name"


def _both_figures(metric: str, winner: Standing, other: Standing) -> str:
    """Both figures, or their difference where they read the same."""
    more, less = other.cost(metric), winner.cost(metric)
    if text_of(metric, more) == text_of(metric, less) and math.isfinite(more):
        return f", by {text_of(metric, more - less)} of {text_of(metric, more)}"
    return f": {text_of(metric, more)}, {_short_name(winner)} {text_of(metric, less)}"


def _short_name(winner: Standing) -> str:
    """The winner's name where that is short."""
    return winner.name if "+" not in winner.name else "the chosen one"


def _shares_text(task: Task, one: Standing) -> str:
    """The shares that the cost adds up, the largest first."""
    shares = sorted(_shares(task, one).items(), key=lambda pair: -pair[1])
    return " + ".join(
        f"{value:.0%} of the {name}" if value > COUNTS else f"below 1% of the {name}" for name, value in shares
    )


def text_of(name: str, value: float) -> str:
    """A cost as people read it."""
    return "unknown" if math.isinf(value) else format_ms(value) if name == "latency" else format_size(value)


def _points(drop: float) -> str:
    return f"{drop:.2f} points" if math.isfinite(drop) else "an unknown number of points"
