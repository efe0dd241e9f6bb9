"""Runs every pass over a flat graph in the fixed order, and keeps a rewrite only where the outputs stay what they were.

Each pass that applies is judged by its own `ensures`, and all together by the graph's outputs on random samples, before and after. Only where these
differ are they compared after each pass, to find the one that changes them. One that fails, or raises, is not applied, and a sentence says so: a
pass never stops a user.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from edgekit.keras_graph.flat_graph import FlatGraph, run_graph
from edgekit.passes import passes
from edgekit.passes.difference import difference
from edgekit.passes.interface import Pass
from edgekit.passes.random_samples import Samples, Tried, answered, tried
from edgekit.passes.state import state_kept

ROUNDING, LEAST, MOST = 1e-7, 2e-6, 5e-6
"""Allowed difference of an output relative to its largest number: about half a float32 step of 1.2e-7 for each call, within bounds. NASNetMobile differs by
2e-7 after 600 of its layers are rewritten, an algebraic mistake by far more. At most half of what loading allows in all."""


class Outcome(NamedTuple):
    """A graph after the passes, and a sentence for each pass that was applied or failed."""

    graph: FlatGraph
    told: tuple[str, ...]


def run_passes(
    tools: Any, graph: FlatGraph, which: Sequence[Pass] | None = None, known: Tried | None = None
) -> Outcome:
    """The graph after every pass (or these) that applies and keeps what it promises; the user's layers are as before.

    It is compared with the answers that are `known` of the original, else with the graph's own.
    """
    chosen = passes() if which is None else which
    outcome = _run(tools, graph, chosen, None)
    if outcome.graph is graph:
        return outcome
    reference = _Reference(graph, known)
    try:
        reference.check(outcome.graph)
    except _Refused:  # one by one: of the others none need be given up
        return _run(tools, graph, chosen, reference)
    return outcome


def _run(tools: Any, graph: FlatGraph, which: Sequence[Pass], reference: _Reference | None) -> Outcome:
    """Pass after pass, each compared with the reference where there is one."""
    told = []
    for one in which:
        try:
            places = one.requires(tools, graph)
            if places:
                after = _checked(tools, one, graph, reference)
                told.append(one.told(places, graph, after))
                graph = after
        except Exception as problem:  # what a user's own layer or an unforeseen form of a Keras layer makes of it
            told.append(f"{one.name} was not applied: {_reason(problem)}")
    return Outcome(graph, tuple(told))


class _Refused(Exception):
    """Why a rewrite is not kept."""


class _Reference:
    """The outputs of the graph that was accepted last, on the same samples as all others."""

    def __init__(self, graph: FlatGraph, known: Tried | None) -> None:
        self._tried = known or tried(graph, _answers(graph))

    def check(self, graph: FlatGraph) -> None:
        """Raise `_Refused` where the graph answers otherwise; else its answers are the reference from now on."""
        if self._tried is None or not self._tried.share:
            raise _Refused("the model gives no finite numbers on random input, so nothing can be compared")
        found = answered(_answers(graph), self._tried.samples)
        if found is None:
            raise _Refused("the rewritten model cannot be called")
        allowed = min(MOST, max(LEAST, ROUNDING * len(graph.calls)))
        differences = [difference(ours, theirs) for ours, theirs in zip(found, self._tried.outputs, strict=True)]
        if not max(differences, default=0.0) <= allowed:
            raise _Refused(f"outputs would differ by {max(differences):.2g}, relative, where {allowed:.2g} is allowed")
        self._tried = self._tried._replace(outputs=found)


def _checked(tools: Any, one: Pass, graph: FlatGraph, reference: _Reference | None) -> FlatGraph:
    after = one.apply(tools, graph)
    wrong = one.ensures(tools, graph, after)
    if wrong:
        raise _Refused(wrong)
    if [value.dtype for value in after.outputs] != [value.dtype for value in graph.outputs]:
        raise _Refused("outputs would have other dtypes")
    if reference is not None:
        reference.check(after)
    return after


def _answers(graph: FlatGraph) -> Callable[[Samples], list[Any]]:
    def answers(samples: Samples) -> list[Any]:
        with state_kept(graph):
            return run_graph(graph, samples)

    return answers


def _reason(problem: Exception) -> str:
    if isinstance(problem, _Refused):
        return str(problem)
    return f"{type(problem).__name__}: {(str(problem).splitlines() or [''])[0]}"[:200]
