"""Which channels of what a call takes and of what it makes can only go together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from edgekit.keras_graph.flat_graph import Call, Value
from edgekit.passes.channels.cuts import cut_of
from edgekit.passes.channels.layers import family_of
from edgekit.passes.channels.roles import Role
from edgekit.passes.channels.shuffles import SHUFFLES, order_of, together

ALL = slice(None)


def ties(call: Call, role: Role) -> Iterator[tuple[Value, slice, np.ndarray]]:
    """Each input of a call that sums nothing up, which of its channels are tied to the output, and by (any, such a channel) the output's channels."""
    (made,) = call.outputs
    channels = np.arange(made.shape[-1] or 0)
    first = 0
    for value in call.inputs:
        size = value.shape[-1] or 0
        if role is Role.JOINS:
            yield value, ALL, channels[None, first : first + size]
            first += size
        elif role is Role.FLATTENS:
            yield value, ALL, channels.reshape(-1, size)
        elif role is Role.GROUPED:
            groups = call.operation.groups
            yield value, ALL, np.repeat(channels.reshape(groups, -1).T, size // groups, axis=1)
        elif role is Role.CUTS:
            yield value, cut_of(call) or ALL, channels[None]
        elif role in SHUFFLES:
            yield value, ALL, order_of(call, role)[None]
        else:
            yield value, ALL, channels.reshape(size, -1).T


def tie(call: Call, role: Role, numbers: Mapping[Value, np.ndarray]) -> None:
    """Let tied channels have the least number of them all, in place; of booleans, False.

    One pass over a call may not be enough: it is to be repeated until nothing changes. A call that sums up ties no channel to one of its input.
    """
    others = numbers[call.outputs[0]]
    pairs = _pairs(call, role)
    if pairs is not None:
        others[pairs] = others[pairs].min(axis=0)
    if role is Role.SUMS:
        return
    for value, which, places in ties(call, role):
        one = numbers[value][which]
        np.minimum(one, others[places].min(axis=0), out=one)
        np.minimum.at(others, places, np.broadcast_to(one, places.shape))


def _pairs(call: Call, role: Role) -> np.ndarray | None:
    """By (any, number) the channels of the outcome that can go only together; None where each can go alone."""
    if role is Role.PARTS:
        return together(call)
    family = family_of(call) if role is Role.SUMS else None
    return None if family is None else family.pairs(call)
