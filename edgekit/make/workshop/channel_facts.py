"""Which channels of a flat Keras 3 model can only go together, by the names of its layers: what planning needs to predict a narrower model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgekit.documents.facts import ChannelGroup
from edgekit.keras_graph.flat_graph import Call, read_graph
from edgekit.make.workshop.door import Door
from edgekit.passes.channels.groups import Group, channel_groups, scales_of
from edgekit.passes.channels.ranges import Channels, read_roles


def groups_of(tools: Door, model: Any) -> tuple[ChannelGroup, ...]:
    """The groups of channels, from what the layers do with channels and not from their weights, in the order of `channel_groups`."""
    graph = read_graph(tools, model)
    firsts = {call.name: call for call in reversed(graph.calls)}
    return tuple(
        _by_layer(group, firsts, scaled=bool(scales_of(graph, group)))
        for group in channel_groups(graph, Channels(read_roles(graph), {}, {}))
    )


def _by_layer(group: Group, firsts: Mapping[str, Call], *, scaled: bool) -> ChannelGroup:
    """A group by layers; of one that is called again, which has no weights, the first call, as in its `LayerFacts`."""
    counted = {value: int((which >= 0).sum()) for value, which in group.members.items()}
    return ChannelGroup(
        size=group.size,
        layers={name: counted[call.outputs[0]] for name, call in firsts.items() if call.outputs[0] in counted},
        reads={call.name: sum(int((which >= 0).sum()) for _, which in group.reads_of(call)) for call in group.readers},
        scaled=scaled,
    )
