"""Which channels of what a call takes and of what it makes can only go together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from edgekit.keras_graph.flat_graph import Call, Value
from edgekit.passes.channels.cuts import cuts_of
from edgekit.passes.channels.layers import family_of
from edgekit.passes.channels.roles import Role
from edgekit.passes.channels.shuffles import SHUFFLES, order_of, together

ALL = slice(None)


class Tie(NamedTuple):
    """Which channels of an input are tied to an output, and by (any, such a channel) the output's channels."""

    given: Value
    which: slice
    made: Value
    places: np.ndarray


def ties(call: Call, role: Role) -> Iterator[Tie]:
    """All ties of a call that sums nothing up."""
    if role is Role.CUTS:
        for cut, made in zip(cuts_of(call) or (), call.outputs, strict=True):
            yield Tie(call.inputs[0], cut, made, np.arange(made.shape[-1] or 0)[None])
        return
    (made,) = call.outputs
    channels = np.arange(made.shape[-1] or 0)
    first = 0
    for value in call.inputs:
        size = value.shape[-1] or 0
        if role is Role.JOINS:
            yield Tie(value, ALL, made, channels[None, first : first + size])
            first += size
        elif role is Role.FLATTENS:
            yield Tie(value, ALL, made, channels.reshape(-1, size))
        elif role is Role.GROUPED:
            groups = call.operation.groups
            yield Tie(value, ALL, made, np.repeat(channels.reshape(groups, -1).T, size // groups, axis=1))
        elif role in SHUFFLES:
            yield Tie(value, ALL, made, order_of(call, role)[None])
        else:
            yield Tie(value, ALL, made, channels.reshape(size, -1).T)


def tie(call: Call, role: Role, numbers: Mapping[Value, np.ndarray]) -> None:
    """Let tied channels have the least number of them all, in place; of booleans, False.

    One pass over a call may not be enough: it is to be repeated until nothing changes. A call that sums up ties no channel to one of its input.
    """
    pairs = _pairs(call, role)
    if pairs is not None:
        others = numbers[call.outputs[0]]
        others[pairs] = others[pairs].min(axis=0)
    if role is Role.SUMS:
        return
    for value, which, made, places in ties(call, role):
        one, others = numbers[value][which], numbers[made]
        np.minimum(one, others[places].min(axis=0), out=one)
        np.minimum.at(others, places, np.broadcast_to(one, places.shape))


def _pairs(call: Call, role: Role) -> np.ndarray | None:
    """By (any, number) the channels of the outcome that can go only together; None where each can go alone."""
    if role is Role.PARTS:
        return together(call)
    family = family_of(call) if role is Role.SUMS else None
    return None if family is None else family.pairs(call)
