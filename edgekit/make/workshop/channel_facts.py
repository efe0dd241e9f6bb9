"""Which channels of a flat Keras 3 model can only go together, by the names of its layers: what planning needs to predict a narrower model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from edgekit.documents.facts import ChannelGroup, LayerFacts
from edgekit.keras_graph.flat_graph import Call, Value, read_graph
from edgekit.make.workshop.door import Door
from edgekit.passes.channels.groups import Group, channel_groups, scales_of
from edgekit.passes.channels.laid import Laid
from edgekit.passes.channels.ranges import channels_without_numbers
from edgekit.passes.channels.shuffles import IN_ROWS


class ChannelFacts(NamedTuple):
    """The groups of channels, and by the layers' names along how many of the last axes their channels lie, where these are several."""

    groups: tuple[ChannelGroup, ...] = ()
    axes: Mapping[str, int] = {}

    def told_in(self, layer: LayerFacts) -> LayerFacts:
        """The facts of a layer with the axes along which its channels lie."""
        return msgspec.structs.replace(layer, channel_axes=self.axes.get(layer.name, layer.channel_axes))


def facts_of_channels(tools: Door, model: Any) -> ChannelFacts:
    """What is known from what the layers do with channels, and not from their weights; the groups are in the order of `channel_groups`."""
    graph = read_graph(tools, model)
    channels = channels_without_numbers(graph)
    laid = channels.ways.laid
    firsts: dict[str, Call] = {}
    for call in graph.calls:
        firsts.setdefault(call.name, call)
    in_rows = {name: 2 for name, call in firsts.items() if channels.roles[id(call)] in IN_ROWS}
    on_ways = {name: laid[call.outputs[0]].last_axes for name, call in firsts.items() if call.outputs[0] in laid}
    groups = channel_groups(graph, channels)
    return ChannelFacts(
        tuple(_by_layer(group, firsts, laid, scaled=bool(scales_of(graph, group))) for group in groups),
        in_rows | on_ways,
    )


def _by_layer(group: Group, firsts: Mapping[str, Call], laid: Mapping[Value, Laid], *, scaled: bool) -> ChannelGroup:
    """A group by layers; of one that is called again, which has no weights, the first call, as in its `LayerFacts`."""
    counted = {
        value: int((which >= 0).sum()) * (_times(value, laid[value]) if value in laid else 1)
        for value, which in group.members.items()
    }
    return ChannelGroup(
        size=group.size,
        layers={name: counted[call.outputs[0]] for name, call in firsts.items() if call.outputs[0] in counted},
        reads={
            call.name: sum(int((which >= 0).sum()) // weight.groups for weight, which in group.reads_of(call))
            for call in group.readers
        },
        scaled=scaled,
    )


def _times(value: Value, laid: Laid) -> int:
    """How often each channel stands along the axes that are counted: once for each place between and behind the channels."""
    return math.prod(size or 1 for size in value.shape[-laid.last_axes :]) // laid.channels
