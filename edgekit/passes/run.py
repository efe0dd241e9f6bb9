"""Runs every pass over a flat graph in the fixed order, and keeps a rewrite only where the outputs stay what they were.

Each pass that applies is judged by its own `ensures`, and all together by the graph's outputs on random samples, before and after. Only where these
differ are they compared after each pass, to find the one that changes them. One that fails, or raises, is not applied, and a sentence says so: a
pass never stops a user.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from edgekit.keras_graph.flat_graph import FlatGraph, run_graph
from edgekit.passes import passes
from edgekit.passes.interface import Pass
from edgekit.passes.random_samples import Samples, random_samples

ROUNDING, LEAST, MOST = 1e-7, 2e-6, 5e-6
"""Allowed difference of an output relative to its largest number: about half a float32 step of 1.2e-7 for each call, within bounds. NASNetMobile differs by
2e-7 after 600 of its layers are rewritten, an algebraic mistake by far more. At most half of what loading allows in all."""


class Outcome(NamedTuple):
    """A graph after the passes, and a sentence for each pass that was applied or failed."""

    graph: FlatGraph
    told: tuple[str, ...]


def run_passes(tools: Any, graph: FlatGraph, which: Sequence[Pass] | None = None) -> Outcome:
    """The graph after every pass (or these) that applies and keeps what it promises; the user's layers are as before."""
    chosen = passes() if which is None else which
    outcome = _run(tools, graph, chosen, None)
    if outcome.graph is graph:
        return outcome
    reference = _Reference(graph)
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
                graph = _checked(tools, one, graph, reference)
                told.append(one.told(places))
        except Exception as problem:  # what a user's own layer or an unforeseen form of a Keras layer makes of it
            told.append(f"{one.name} was not applied: {_reason(problem)}")
    return Outcome(graph, tuple(told))


class _Refused(Exception):
    """Why a rewrite is not kept."""


class _Reference:
    """The outputs of the graph that was accepted last, on the same samples as all others."""

    def __init__(self, graph: FlatGraph) -> None:
        self._samples: Samples | None = None
        with contextlib.suppress(TypeError):  # a dtype that numpy does not know, text
            for samples in random_samples(graph.inputs):
                found = _outputs(graph, samples)
                if found is not None:
                    self._samples, self._outputs = samples, found
                    break

    def check(self, graph: FlatGraph) -> None:
        """Raise `_Refused` where the graph answers otherwise; else its answers are the reference from now on."""
        if self._samples is None:
            raise _Refused("the model gives no finite numbers on random input, so nothing can be compared")
        found = _outputs(graph, self._samples)
        if found is None:
            raise _Refused("the rewritten model gives no finite numbers")
        allowed = min(MOST, max(LEAST, ROUNDING * len(graph.calls)))
        differences = [_difference(ours, theirs) for ours, theirs in zip(found, self._outputs, strict=True)]
        if not max(differences, default=0.0) <= allowed:
            raise _Refused(f"outputs would differ by {max(differences):.2g}, relative, where {allowed:.2g} is allowed")
        self._outputs = found


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


def _outputs(graph: FlatGraph, samples: Samples) -> list[np.ndarray] | None:
    """The outputs for samples; None where the graph does not take them, or does not give finite numbers."""
    try:
        with _state_kept(graph):
            found = [np.asarray(part, np.float64) for part in run_graph(graph, samples)]
    except Exception:  # TensorFlow's errors, and whatever a user's own layer raises
        return None
    return found if all(part.size and np.isfinite(part).all() for part in found) else None


@contextlib.contextmanager
def _state_kept(graph: FlatGraph) -> Iterator[None]:
    """Within the block, variables that are not trained (states of recurrent layers, counters) may change; afterwards they are as before."""
    operations = {id(call.operation): call.operation for call in graph.calls}.values()
    kept = [variable for one in operations for variable in _changeable(one)]
    before = [np.asarray(variable) for variable in kept]
    try:
        yield
    finally:
        for variable, value in zip(kept, before, strict=True):
            if not np.array_equal(np.asarray(variable), value):
                variable.assign(value)


def _changeable(operation: Any) -> list[Any]:
    """The variables of a layer that a call may change; recurrent layers have their states beside their variables."""
    if not hasattr(operation, "_flatten_layers"):
        return []
    states = [
        part
        for layer in operation._flatten_layers()
        for part in getattr(layer, "states", None) or ()
        if part is not None
    ]
    return [*operation.non_trainable_variables, *(part for part in states if hasattr(part, "assign"))]


def _difference(ours: np.ndarray, theirs: np.ndarray) -> float:
    if ours.shape != theirs.shape:
        return float("inf")
    return float(np.abs(ours - theirs).max(initial=0.0) / max(float(np.abs(theirs).max(initial=0.0)), 1e-12))


def _reason(problem: Exception) -> str:
    if isinstance(problem, _Refused):
        return str(problem)
    return f"{type(problem).__name__}: {(str(problem).splitlines() or [''])[0]}"[:200]
