"""Between which numbers the channels of every value of a graph stay, whatever its inputs hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from edgekit.keras_graph.call_graph import flat
from edgekit.keras_graph.flat_graph import Call, FlatGraph, Value
from edgekit.passes.affine import affine
from edgekit.passes.channels.curves import curve, name_of_curve
from edgekit.passes.channels.cuts import cuts_of
from edgekit.passes.channels.following import MERGES, PADS, is_same_for_all, role
from edgekit.passes.channels.kernels import Reading
from edgekit.passes.channels.layers import family_of
from edgekit.passes.channels.numbers import Range, anything, curved, merged, scaled
from edgekit.passes.channels.roles import Role
from edgekit.passes.channels.shuffles import SHUFFLES, order_of, shuffle_roles
from edgekit.passes.channels.ways import Ways, ways_through
from edgekit.passes.kinds import kind


class Channels(NamedTuple):
    """What is known of the channels of a graph: by the call's id the role of each call and what its kernels read, the range of each value, and ways off the last axis."""

    roles: Mapping[int, Role]
    readings: Mapping[int, tuple[Reading, ...]]
    ranges: Mapping[Value, Range]
    ways: Ways


def channels_without_numbers(graph: FlatGraph) -> Channels:
    """What is known without a look at any weight: no readings and no ranges."""
    times = graph.times()
    roles = {id(call): role(call, times[id(call.operation)]) for call in graph.calls} | shuffle_roles(graph)
    ways = ways_through(graph, roles)
    return Channels(roles | dict(ways.roles), {}, {}, ways)


def read_channels(graph: FlatGraph) -> Channels:
    """Follow the channels from the inputs, which may hold anything, to the outputs."""
    known = channels_without_numbers(graph)
    roles = known.roles
    readings: dict[int, tuple[Reading, ...]] = {}
    ranges: dict[Value, Range] = {}
    for call in graph.calls:
        if roles[id(call)] is Role.CLOSED:
            continue
        family = family_of(call)
        readings[id(call)] = () if family is None else family.readings(call)
        parts = flat(list(call.args))
        given = [_range(ranges, part) for part in parts if isinstance(part, Value) or is_same_for_all(part)]
        if roles[id(call)] is Role.CUTS:
            for made, cut in zip(call.outputs, cuts_of(call) or (), strict=True):
                ranges[made] = Range(*(end[cut] for end in given[0]))
            continue
        if id(call) in known.ways.roles:
            ranges |= _on_way(call, known, ranges, given)
            continue
        ranges[call.outputs[0]] = (
            _made(call, roles[id(call)], given) if family is None else family.made(call, readings[id(call)], given[0])
        )
    return known._replace(readings=readings, ranges=ranges)


def _on_way(call: Call, known: Channels, ranges: Mapping[Value, Range], given: Sequence[Range]) -> dict[Value, Range]:
    """The ranges of what a call on a way makes: what is moved stays as it is, a sum over places with weights is known where all of them are zero."""
    found, ties = known.roles[id(call)], known.ways.ties[id(call)]
    if found is Role.MATCHES:
        return {}
    made: dict[Value, Range] = {}
    for one in ties:
        before = _made(call, found, given) if found is Role.MOVES else _weighed(_range(ranges, one.given))
        low, high = (np.empty(one.places.size) for _ in range(2))
        low[one.places], high[one.places] = (end[one.which] for end in before)
        made[one.made] = Range(low, high)
    return made


def _weighed(given: Range) -> Range:
    """The range of sums over places with any weights."""
    is_zero = (given.low == 0) & (given.high == 0)
    return Range(np.where(is_zero, 0.0, -np.inf), np.where(is_zero, 0.0, np.inf))


def _range(ranges: Mapping[Value, Range], part: Value | np.ndarray | int | float) -> Range:
    """The range of a value, or of a constant that is the same for all channels."""
    if not isinstance(part, Value):
        return Range(*(np.full(1, float(end(part))) for end in (np.min, np.max)))
    return ranges[part] if part in ranges else anything(int(part.shape[-1] or 0))


def _made(call: Call, found: Role, given: Sequence[Range]) -> Range:
    """The range of what a call without a family makes of values of these ranges."""
    if found is Role.JOINS:
        return Range(*(np.concatenate(ends) for ends in zip(*given, strict=True)))
    if found is Role.FLATTENS:
        (size,) = call.outputs[0].shape
        return Range(*(np.tile(end, (size or 0) // end.size) for end in given[0]))
    if found in SHUFFLES:
        return Range(*(end[np.argsort(order_of(call, found))] for end in given[0]))
    name = kind(call)
    if name in MERGES:
        return merged(name, given)
    if name in PADS:
        return given[0].with_zero
    if name_of_curve(call) and (end := curve(call)) is not None:
        return curved(given[0], end)
    if name == "Rescaling" and (one := affine(call)) is not None:
        return scaled(given[0], one.scale, one.offset)
    return given[0]
