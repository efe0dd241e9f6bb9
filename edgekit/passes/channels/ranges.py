"""Between which numbers the channels of every value of a graph stay, whatever its inputs hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from edgekit.keras_graph.call_graph import flat
from edgekit.keras_graph.flat_graph import Call, FlatGraph, Value
from edgekit.passes.affine import DEPTHWISE, affine
from edgekit.passes.channels.kernels import Kernel, depthwise_sums, kernel_of, sums
from edgekit.passes.channels.numbers import NEGLIGIBLE, Range, anything, curved, merged, scaled
from edgekit.passes.channels.roles import MERGES, PADS, Role, curve, name_of_curve, role
from edgekit.passes.kinds import kind


class Channels(NamedTuple):
    """What is known of the channels of a graph: the role of each call and its kernel, by the call's id, and the range of each value."""

    roles: Mapping[int, Role]
    kernels: Mapping[int, Kernel]
    ranges: Mapping[Value, Range]


def read_roles(graph: FlatGraph) -> Mapping[int, Role]:
    """The role of each call, by the call's id."""
    times = graph.times()
    return {id(call): role(call, times[id(call.operation)]) for call in graph.calls}


def read_channels(graph: FlatGraph) -> Channels:
    """Follow the channels from the inputs, which may hold anything, to the outputs."""
    roles = read_roles(graph)
    kernels = {
        id(call): kernel_of(call)
        for call in graph.calls
        if roles[id(call)] is Role.SUMS or (roles[id(call)] is Role.ALIKE and kind(call) in DEPTHWISE)
    }
    ranges: dict[Value, Range] = {}
    for call in graph.calls:
        if roles[id(call)] is not Role.CLOSED:
            given = [_range(ranges, part) for part in flat(list(call.args)) if isinstance(part, Value | int | float)]
            ranges[call.outputs[0]] = _made(call, roles[id(call)], kernels.get(id(call)), given)
    return Channels(roles, kernels, ranges)


def _range(ranges: Mapping[Value, Range], part: Value | int | float) -> Range:
    if not isinstance(part, Value):
        return Range(np.full(1, float(part)), np.full(1, float(part)))
    return ranges[part] if part in ranges else anything(int(part.shape[-1] or 0))


def _made(call: Call, found: Role, kernel: Kernel | None, given: list[Range]) -> Range:
    """The range of what a call makes of values of these ranges."""
    if kernel is not None:
        made = (sums if found is Role.SUMS else depthwise_sums)(kernel, given[0])
        end = curve(call)
        return anything(kernel.bias.size) if end is None else curved(made, end)
    if found is Role.GROUPED:
        return anything(call.outputs[0].shape[-1] or 0)
    if found is Role.JOINS:
        return Range(*(np.concatenate(ends) for ends in zip(*given, strict=True)))
    if found is Role.FLATTENS:
        (size,) = call.outputs[0].shape
        return Range(*(np.tile(end, (size or 0) // end.size) for end in given[0]))
    return _alike(call, given)


def _alike(call: Call, given: list[Range]) -> Range:
    name = kind(call)
    if name in MERGES:
        return merged(name, given)
    if name in PADS:
        return given[0].with_zero
    if name_of_curve(call) and (end := curve(call)) is not None:
        return curved(given[0], end)
    if name in ("BatchNormalization", "Rescaling") and (found := affine(call)) is not None:
        sizes = np.abs(found.scale)
        return scaled(given[0], np.where(sizes <= NEGLIGIBLE * sizes.max(), 0.0, found.scale), found.offset)
    return given[0]
