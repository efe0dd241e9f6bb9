"""A graph without some of its channels: new layers of fewer filters, with what constant channels added in their biases."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgekit.keras_graph.flat_graph import Call, FlatGraph, Value
from edgekit.passes.channels.cuts import of_fewer
from edgekit.passes.channels.dead import Dead
from edgekit.passes.channels.kernels import Reading
from edgekit.passes.channels.layers import family_of
from edgekit.passes.channels.layers.interface import again
from edgekit.passes.channels.layout import Part
from edgekit.passes.channels.ranges import Channels
from edgekit.passes.channels.roles import Role
from edgekit.passes.channels.shuffles import rows_left
from edgekit.passes.kinds import kind
from edgekit.passes.rewriting import Rewriting, weighted


def narrowed(tools: Any, graph: FlatGraph, channels: Channels, dead: Dead) -> FlatGraph:
    """The graph without its dead channels; layers keep their names, and those that lose nothing are the user's own.

    What a channel that is constant adds to sums goes into their biases; one that is alive is left out, with what it adds. Channels that are
    tied (`ties`) must be dead together, and some of each value stay.
    """
    places = [call for call in graph.calls if any(value in dead for value in (*call.inputs, *call.outputs))]
    rewriting = Rewriting(tools, graph, places)
    instead: dict[Value, Value] = {}
    for call in places:
        taking = call.taking(instead)
        if channels.roles[id(call)] is Role.CUTS:
            operation, settings = of_fewer(call, _stays(call.inputs[0], dead))
            made = rewriting.several(operation, taking.inputs[0], *settings)
        else:
            made = rewriting.several(_layer(tools, call, taking, channels, dead), *taking.args, **taking.kwargs)
        rewriting.put(call, *made)
        instead.update(zip(call.outputs, made, strict=True))
    return rewriting.done()


def _layer(tools: Any, call: Call, taking: Call, channels: Channels, dead: Dead) -> Any:
    """What is called in place of a call's layer, on values without their dead channels."""

    def stays(part: Part) -> np.ndarray:
        return np.tile(_stays(part.value, dead)[part.channels], part.blocks)

    family = family_of(call)
    if family is not None:
        added = [_added(one, channels, dead) for one in channels.readings[id(call)]]
        layer, weights = family.fewer(call, stays, added)
        return weighted(layer, taking.inputs[0].shape, *weights)
    if kind(call) == "Reshape":
        return _reshape(tools, call, _shape_left(call, channels, dead))
    return call.operation


def _shape_left(call: Call, channels: Channels, dead: Dead) -> tuple[int | None, ...]:
    """The shape that a reshape makes of the channels that stay."""
    (made,) = call.outputs
    if made not in dead:
        return made.shape
    stays = ~dead[made]
    if made in channels.ways.laid:
        return channels.ways.laid[made].of(int(stays.sum()))
    if channels.roles[id(call)] is Role.PARTS:
        return (*made.shape[:-2], *rows_left(call, stays))
    return (*made.shape[:-1], int(stays.sum()))


def _reshape(tools: Any, call: Call, shape: tuple[int | None, ...]) -> Any:
    """A layer for a reshape, which may be an operation."""
    if hasattr(call.operation, "target_shape"):
        return again(call.operation, target_shape=shape)
    return tools.keras3.layers.Reshape(shape, name=call.name, dtype=call.outputs[0].dtype)


def _added(one: Reading, channels: Channels, dead: Dead) -> np.ndarray:
    """By filter of a kernel, what the constant channels that go add to its sums, float64."""
    kernel, known = one.kernel, channels.ranges.get(one.given.value)
    if known is None or kernel.pads:
        return np.zeros(kernel.bias.size)
    stays = _stays(one.given.value, dead)
    constant = np.where(known.is_constant & ~stays, known.low, 0.0)[one.given.channels]
    return np.asarray(constant @ kernel.weights.sum(axis=0, dtype=np.float64))


def _stays(value: Value, dead: Dead) -> np.ndarray:
    channels = value.shape[-1] or 0
    return ~dead[value] if value in dead else np.ones(channels, bool)
