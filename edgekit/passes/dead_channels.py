"""Channels that change no output are left out: those no filter reads, and those that hold one number whatever the input.

Training with weight decay leaves many of them: a filter of zeros, a batch normalization whose scale has become zero, a bias that ReLU always
cuts. What a constant channel adds to a sum goes into the bias there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgekit.keras_graph.flat_graph import Call, FlatGraph
from edgekit.passes.channels.dead import dead_channels
from edgekit.passes.channels.layers import MAKERS
from edgekit.passes.channels.narrow import narrowed
from edgekit.passes.channels.ranges import read_channels
from edgekit.passes.interface import Pass, named
from edgekit.passes.kinds import kind


class DeadChannels(Pass):
    """Dense layers and convolutions with fewer filters, recurrent layers with fewer units, under their own names."""

    name = "dead_channels"
    place = 65
    after_training = True
    words = "dead channels left out, which change no output and which fine-tuning can no longer bring back"

    def requires(self, tools: Any, graph: FlatGraph) -> Sequence[Call]:
        """The layers some of whose filters are dead."""
        dead = dead_channels(graph)
        return [call for call in graph.calls if kind(call) in MAKERS and call.outputs[0] in dead]

    def apply(self, tools: Any, graph: FlatGraph) -> FlatGraph:
        """Until there is none: without a dead filter, others are no longer read."""
        channels = read_channels(graph)
        while dead := dead_channels(graph, channels):
            graph = narrowed(tools, graph, channels, dead)
            channels = read_channels(graph)
        return graph

    def ensures(self, tools: Any, before: FlatGraph, after: FlatGraph) -> str | None:
        """Nothing is left of them, and the outputs have their shapes."""
        if [value.shape for value in after.outputs] != [value.shape for value in before.outputs]:
            return "outputs would have other shapes"
        return super().ensures(tools, before, after)

    def told(self, places: Sequence[Call], before: FlatGraph, after: FlatGraph) -> str:
        """How many channels and parameters were left out, and of which layers."""
        had, have = _filters(before), _filters(after)
        fewer = [name for name in had if have[name] != had[name]]
        gone = sum(had[name] - have[name] for name in fewer)
        first, then = _parameters(before), _parameters(after)
        layers = [call for call in before.calls if call.name in fewer]
        return (
            f"{self.words}: {gone:,} of {sum(had[name] for name in fewer):,} channels of {named(layers)}; "
            f"{first - then:,} of {first:,} parameters"
        )


def _filters(graph: FlatGraph) -> dict[str, int]:
    return {call.name: int(call.outputs[0].shape[-1] or 0) for call in graph.calls if kind(call) in MAKERS}


def _parameters(graph: FlatGraph) -> int:
    operations = {id(call.operation): call.operation for call in graph.calls}.values()
    return sum(int(np.prod(weight.shape)) for one in operations for weight in getattr(one, "weights", ()))
