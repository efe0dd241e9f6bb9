"""Which channels of a flat Keras 3 model can only go together, by the names of its layers: what planning needs to predict a narrower model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from edgekit.documents.facts import ChannelGroup, LayerFacts
from edgekit.keras_graph.flat_graph import Call, read_graph
from edgekit.make.workshop.door import Door
from edgekit.passes.channels.groups import Group, channel_groups, scales_of
from edgekit.passes.channels.ranges import Channels, read_roles
from edgekit.passes.channels.shuffles import IN_ROWS


class ChannelFacts(NamedTuple):
    """The groups of channels, and the names of the layers whose channels lie along the last two axes."""

    groups: tuple[ChannelGroup, ...] = ()
    in_rows: frozenset[str] = frozenset()

    def told_in(self, layer: LayerFacts) -> LayerFacts:
        """The facts of a layer with the axes along which its channels lie."""
        return msgspec.structs.replace(layer, channel_axes=2) if layer.name in self.in_rows else layer


def facts_of_channels(tools: Door, model: Any) -> ChannelFacts:
    """What is known from what the layers do with channels, and not from their weights; the groups are in the order of `channel_groups`."""
    graph = read_graph(tools, model)
    roles = read_roles(graph)
    firsts: dict[str, Call] = {}
    for call in graph.calls:
        firsts.setdefault(call.name, call)
    groups = channel_groups(graph, Channels(roles, {}, {}))
    return ChannelFacts(
        tuple(_by_layer(group, firsts, scaled=bool(scales_of(graph, group))) for group in groups),
        frozenset(name for name, call in firsts.items() if roles[id(call)] in IN_ROWS),
    )


def _by_layer(group: Group, firsts: Mapping[str, Call], *, scaled: bool) -> ChannelGroup:
    """A group by layers; of one that is called again, which has no weights, the first call, as in its `LayerFacts`."""
    counted = {value: int((which >= 0).sum()) for value, which in group.members.items()}
    return ChannelGroup(
        size=group.size,
        layers={name: counted[call.outputs[0]] for name, call in firsts.items() if call.outputs[0] in counted},
        reads={
            call.name: sum(int((which >= 0).sum()) // weight.groups for weight, which in group.reads_of(call))
            for call in group.readers
        },
        scaled=scaled,
    )
