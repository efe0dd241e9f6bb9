"""The code of a model: the values that all of it passes through and that hold few numbers, as the middle of an autoencoder does.

A channel of such a value carries a share of everything the model answers, and leaving it out saves next to nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from edgekit.keras_graph.flat_graph import FlatGraph, Value
from edgekit.passes.channels.groups import Group

FEW = 4
"""A code has at most one number for so many of each output, and of the widest value that the model passes through before it and after it."""


def without_codes(graph: FlatGraph, groups: Sequence[Group]) -> tuple[Group, ...]:
    """The groups but those whose channels are a code's: all the model passes through each of their values, and these are far narrower than what is around."""
    ends = min(map(_elements, graph.outputs))
    waists = [
        value
        for call in graph.calls
        for value in call.outputs
        if value not in graph.outputs and _all_pass(graph, value)
    ]
    return tuple(group for group in groups if not _is_code(group, waists, ends))


def _is_code(group: Group, waists: Sequence[Value], ends: int) -> bool:
    """Whether a group is a code; `waists` are the values that the whole model passes through, in order, and `ends` the numbers of its smallest output."""
    inside = [place for place, value in enumerate(waists) if value in group.members]
    if len(inside) < len(group.members):
        return False
    widths = [_elements(value) for value in waists]
    around = (max(widths[: inside[0]], default=0), max(widths[inside[-1] + 1 :], default=0))
    return FEW * max(widths[place] for place in inside) <= min(*around, ends)


def _elements(value: Value) -> int:
    """The numbers of one sample; a free size counts once."""
    return math.prod(size or 1 for size in value.shape)


def _all_pass(graph: FlatGraph, value: Value) -> bool:
    """Whether every way from an input to an output leads through a value."""
    reached = set(graph.inputs) - {value}
    for call in graph.calls:
        if reached.intersection(call.inputs):
            reached.update(one for one in call.outputs if one is not value)
    return not reached.intersection(graph.outputs)
