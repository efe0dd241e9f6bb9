"""Whether factors pay on a device: what they are predicted to save of a cost that counts, and what they would have to cost where they do not."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from edgekit.cost import download, flash, latency, ram
from edgekit.cost.graph import Graph
from edgekit.techniques.factors.choose import asked_for, planned
from edgekit.techniques.factors.nodes import factorised, sites
from edgekit.techniques.factors.shape import MOST_OF_LEAST, Factors, Shape, forms, in_bytes, is_thin, least
from edgekit.techniques.integer import integer
from edgekit.techniques.interface import COUNTS, Task
from edgekit.techniques.sites import left_out
from edgekit.units import format_ms, format_size

COSTS = {"flash": flash.predict, "download": download.predict, "ram": ram.predict, "latency": latency.predict}
NARROW = 64
"""Kernels with a window and fewer channels than this stay whole unless the project asks: they lose more than they save."""


def counted(task: Task) -> list[str]:
    """The costs that a limit or the goal asks for."""
    return [metric for metric in COSTS if task.counts(metric)]


def spared(task: Task) -> tuple[str, ...]:
    """The layers that the planner leaves whole: those that the project names, light first and last ones, narrow windows."""
    found = sites(task.graph)
    narrow = [name for name, one in found.items() if not one.is_point and min(one.given, one.made) < NARROW]
    return (*(name for name in left_out(task) if name in found and name not in narrow), *narrow)


def why_not(task: Task, form: str, left: float, exclude: Collection[str]) -> str | None:
    """Why factors with this share of the weights do not pay; None where they are predicted to save what counts of a cost that is asked for.

    That is a hundredth of the cost before them and, where a limit alone asks for it, of the limit.
    """
    reason = no_site(task.graph, form, left, exclude)
    if reason is not None:
        return _narrow(task, exclude) or reason
    told = []
    for metric, before, after in _predicted(task, form, left, exclude):
        limit = 0.0 if task.goal.currency == metric else task.room(metric) or 0.0
        if before - after >= COUNTS * max(before, limit):
            return None
        told.append(_told(metric, before, after, limit))
    return f"with {left:.0%} of their weights, factors are predicted to {' and '.join(told)}"


def no_site(graph: Graph, form: str, left: float | None, exclude: Collection[str] = ()) -> str | None:
    """Why no kernel of a graph is worth factors; None where one is. `left` is None where the ranks are not known yet."""
    found = sites(graph, exclude)
    if not found:
        return "there is no dense layer or convolution that it could factorise and that is not left out"
    if any(planned(one, form, left or 0.0) for one in found.values()):
        return None
    missed = [
        (name, whole, _missed(whole, asked_for(whole, one, left or 0.0)))
        for name, whole in found.items()
        for one in forms(whole, form)
    ]
    if not missed:
        return f'there is no dense layer or convolution of one point, and the form "{form}" leaves kernels with a window whole'
    name, whole, (_, why) = min(missed, key=lambda one: one[2].times)
    return f"no kernel costs less in factors: {name}, the nearest to it, has {_of(whole)}; {why}"


def _narrow(task: Task, exclude: Collection[str]) -> str | None:
    """That all there is are windows of few channels; None where there is something else."""
    found = {name: one for name, one in sites(task.graph).items() if name not in task.exclude}
    narrow = [one for name, one in found.items() if name in exclude and not one.is_point]
    if not narrow or len(narrow) < len(found):
        return None
    return (
        f"its {len(found)} kernels with a window have fewer than {NARROW} channels on a side, and lose more than they save "
        "(a chain of the project's own factorises them)"
    )


def _predicted(task: Task, form: str, left: float, exclude: Collection[str]) -> Iterator[tuple[str, float, float]]:
    """Each cost that counts, of the file before and after factors: the int8 file where the device computes in int8."""
    after = factorised(task.graph, form, left, exclude)
    pair = (task.graph, after) if task.profile.numerics.int8 == "absent" else (integer(task.graph), integer(after))
    for metric in counted(task):
        before, then = (COSTS[metric](task.profile, graph).value for graph in pair)
        yield metric, before, then


def _told(metric: str, before: float, after: float, limit: float) -> str:
    shown = format_ms if metric == "latency" else format_size
    if after >= before:
        return f"add {shown(after - before)} to {shown(before)} of {metric}"
    little = f", below {COUNTS:.0%} of the limit of {shown(limit)}" if before - after >= COUNTS * before else ""
    return f"save {shown(before - after)} of {shown(before)} of {metric}{little}"


def _of(whole: Shape) -> str:
    """The sizes of a kernel in words.

    >>> _of(Shape(3, 3, 16, 32)), _of(Shape(1, 1, 144, 8))
    ('3x3 of 16 to 32 channels', '144 to 8 channels')
    """
    window = "" if whole.is_point else f"{whole.height}x{whole.width} of "
    return f"{window}{whole.given} to {whole.made} channels"


class _Missed(NamedTuple):
    """How many times what they may cost factors do cost, and both in words."""

    times: float
    why: str


def _missed(whole: Shape, factors: Factors) -> _Missed:
    """Why these factors do not pay: their kernel is thin, or they take more bytes than it does."""
    if is_thin(whole, factors.form):
        smallest = least(whole, factors.form)
        cost, most = smallest.weights(whole), MOST_OF_LEAST * whole.weights
        allowed = f"may take at most {int(most):,}, {MOST_OF_LEAST:.0%} of its {whole.weights:,}"
        return _Missed(
            cost / most, f"factors of {_ranks(smallest)}, the least that is used, take {cost:,} weights, and {allowed}"
        )
    cost = in_bytes(whole, factors)
    beside = f"and the whole takes {whole.weights:,}"
    return _Missed(
        cost / whole.weights,
        f"factors of {_ranks(factors)} take {cost:,} B of an int8 file, their scales and operators included, {beside}",
    )


def _ranks(factors: Factors) -> str:
    return f"rank {' and '.join(map(str, factors.ranks))}"
