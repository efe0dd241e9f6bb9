"""The residual blocks of a flat graph: additions of a value and of what was computed from it, which the graph can do without."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from edgekit.keras_graph.flat_graph import Call, FlatGraph, Value
from edgekit.passes.kinds import kind


class Block(NamedTuple):
    """An addition, and the value that it adds something to."""

    call: Call
    skip: Value


def residual_blocks(graph: FlatGraph) -> tuple[Block, ...]:
    """The additions of two values of one shape, of which one is computed from the other, in the order they run."""
    makers = graph.makers()
    return tuple(Block(call, skip) for call in graph.calls if (skip := _skip(call, makers)) is not None)


def without_blocks(graph: FlatGraph, blocks: Sequence[Block]) -> FlatGraph:
    """The graph in which nothing is added to the blocks' values, without what is then not needed. Other layers and weights stay."""
    instead: dict[Value, Value] = {}
    for block in blocks:  # in the order they run: an earlier block's value may be the skip of a later one
        instead[block.call.outputs[0]] = instead.get(block.skip, block.skip)
    return graph.replaced(graph.calls, instead)


def _skip(call: Call, makers: Mapping[Value, Call]) -> Value | None:
    """The value that a residual addition adds to; None for any other call."""
    if kind(call) != "Add" or len(call.inputs) != 2 or len(call.outputs) != 1:
        return None
    for skip, branch in (call.inputs, call.inputs[::-1]):
        alike = skip.shape == branch.shape == call.outputs[0].shape
        if alike and skip is not branch and _is_computed_from(branch, skip, makers):
            return skip
    return None


def _is_computed_from(value: Value, source: Value, makers: Mapping[Value, Call]) -> bool:
    waiting, seen = [value], {value}
    while waiting:
        call = makers.get(waiting.pop())
        for before in call.inputs if call is not None else ():
            if before is source:
                return True
            if before not in seen:
                seen.add(before)
                waiting.append(before)
    return False
