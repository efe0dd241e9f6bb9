"""Which channels of what a call takes and of what it makes can only go together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from edgekit.keras_graph.flat_graph import Call, Value
from edgekit.passes.channels.cuts import cuts_of
from edgekit.passes.channels.layers import family_of
from edgekit.passes.channels.ranges import Channels
from edgekit.passes.channels.roles import Role, Tie
from edgekit.passes.channels.shuffles import SHUFFLES, order_of, together


def ties(call: Call, channels: Channels) -> Iterator[Tie]:
    """All ties of a call but those to sums of a kernel."""
    role = channels.roles[id(call)]
    if id(call) in channels.ways.ties:
        yield from channels.ways.ties[id(call)]
        return
    if role is Role.CUTS:
        for cut, made in zip(cuts_of(call) or (), call.outputs, strict=True):
            yield Tie(call.inputs[0], _all(call.inputs[0])[cut], made, _all(made)[None])
        return
    (made,) = call.outputs
    of_made, first = _all(made), 0
    for value in call.inputs:
        size = value.shape[-1] or 0
        if role is Role.JOINS:
            places = of_made[None, first : first + size]
            first += size
        elif role is Role.FLATTENS:
            places = of_made.reshape(-1, size)
        elif role is Role.GROUPED:
            groups = call.operation.groups
            places = np.repeat(of_made.reshape(groups, -1).T, size // groups, axis=1)
        elif role in SHUFFLES:
            places = order_of(call, role)[None]
        else:
            places = of_made.reshape(size, -1).T
        yield Tie(value, np.arange(places.shape[1]), made, places)


def _all(value: Value) -> np.ndarray:
    return np.arange(value.shape[-1] or 0)


def tie(call: Call, channels: Channels, numbers: Mapping[Value, np.ndarray]) -> None:
    """Let tied channels have the least number of them all, in place; of booleans, False.

    One pass over a call may not be enough: it is to be repeated until nothing changes. A kernel that sums up ties no channel to one that it reads.
    """
    role = channels.roles[id(call)]
    pairs = _pairs(call, role)
    if pairs is not None:
        others = numbers[call.outputs[0]]
        others[pairs] = others[pairs].min(axis=0)
    if role is Role.SUMS:
        return
    for value, which, made, places in ties(call, channels):
        found, others = numbers[value], numbers[made]
        least = np.minimum(found[which], others[places].min(axis=0))
        found[which] = least
        np.minimum.at(others, places, np.broadcast_to(least, places.shape))


def _pairs(call: Call, role: Role) -> np.ndarray | None:
    """By (any, number) the channels of the outcome that can go only together; None where each can go alone."""
    if role is Role.PARTS:
        return together(call)
    family = family_of(call) if role is Role.SUMS else None
    return None if family is None else family.pairs(call)
