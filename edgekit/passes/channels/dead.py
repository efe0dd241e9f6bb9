"""Which channels of a graph can be left out so that every output stays what it is.

A channel can go where each call that takes it does without it: the filters that stay do not read it, or it is constant and its share goes
into their biases; where channels are treated alike, the channel of the outcome goes too. This is the greatest set with that property, found
by taking out of the set of all channels what breaks it, until nothing does.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgekit.keras_graph.flat_graph import Call, FlatGraph, Value
from edgekit.passes.channels.kernels import Reading
from edgekit.passes.channels.layers import family_of
from edgekit.passes.channels.ranges import Channels, read_channels
from edgekit.passes.channels.roles import Role
from edgekit.passes.channels.sections import even_dead
from edgekit.passes.channels.shuffles import channel_counts
from edgekit.passes.channels.ties import tie
from edgekit.passes.channels.ways import sections_of

Dead = Mapping[Value, np.ndarray]
"""Of values some of whose channels are dead, whether each channel is."""


def dead_channels(graph: FlatGraph, channels: Channels | None = None) -> Dead:
    """The channels to leave out: none of an input or an output, never all of a value, none where an input would not be read any more."""
    found = _Search(graph, channels or read_channels(graph))
    found.shrink()
    used = {value for call in graph.calls for value in call.inputs}
    if any(found.dead[value].size and found.dead[value].all() for value in graph.inputs if value in used):
        return {}  # outputs do not depend on it: the model is not trained, or made for something else
    for value in graph.inputs:
        found.dead[value][:] = False
    found.shrink()
    while whole := [dead for dead in found.dead.values() if dead.size and dead.all()]:
        whole[0][0] = False
        found.shrink()
    return {value: dead for value, dead in found.dead.items() if dead.any()}


class _Search:
    """The channels that may still be dead, of every value; they only become fewer."""

    def __init__(self, graph: FlatGraph, channels: Channels) -> None:
        self._calls, self._channels = graph.calls[::-1], channels
        self.dead = {
            value: np.ones(size, bool)
            for value, size in channel_counts(graph, channels.roles, channels.ways.laid).items()
        }
        for value in (*graph.outputs, *channels.ways.held):
            self.dead[value][:] = False

    def shrink(self) -> None:
        """Until each call does without what is dead."""
        before = -1
        while (left := sum(int(dead.sum()) for dead in self.dead.values())) != before:
            before = left
            for call in self._calls:
                self._hold(call)
            for value, number in sections_of(self._channels.ways):
                even_dead(self.dead[value], number)

    def _hold(self, call: Call) -> None:
        role = self._channels.roles[id(call)]
        if role is Role.CLOSED:
            for value in (*call.inputs, *call.outputs):
                self.dead[value][:] = False
            return
        if role is Role.SUMS:
            self._hold_sums(call)
        if role is Role.MATCHES:
            self._hold_products(call)
        tie(call, self._channels, self.dead)

    def _hold_products(self, call: Call) -> None:
        """What is dead of two values whose channels are multiplied is zero in one of them."""
        for given, which, made, places in self._channels.ways.ties[id(call)]:
            is_zero = self._is_zero(given)[which] | self._is_zero(made)[places].all(axis=0)
            self.dead[given][which] &= is_zero

    def _is_zero(self, value: Value) -> np.ndarray:
        known = self._channels.ranges.get(value)
        return np.zeros(self.dead[value].size, bool) if known is None else (known.low == 0) & (known.high == 0)

    def _hold_sums(self, call: Call) -> None:
        """What is dead of what is read is not read by a filter that stays, or is folded into its bias."""
        family = family_of(call)
        if family is None or not family.ends_by_channel(call):
            self.dead[call.outputs[0]][:] = False
        for one in self._channels.readings[id(call)]:
            self._hold_reading(one)
        for value, number in () if family is None else family.sections(call):
            even_dead(self.dead[value], number)

    def _hold_reading(self, one: Reading) -> None:
        given, dead = one.given, self.dead[one.given.value][one.given.channels]
        if not dead.any():
            return
        stays, known = ~self.dead[one.made.value][one.made.channels], self._channels.ranges.get(given.value)
        is_read = one.reads[:, stays].any(axis=1)
        if known is not None:
            low, is_constant = known.low[given.channels], known.is_constant[given.channels]
            is_read &= ~(is_constant & ((low == 0) | (not one.kernel.pads)))
        dead &= ~is_read
