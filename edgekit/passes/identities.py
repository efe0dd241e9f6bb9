"""Layers and operations that hand on what they are given, in training as in inference, are dropped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from edgekit.keras_graph.flat_graph import Call, FlatGraph
from edgekit.passes.interface import Pass
from edgekit.passes.kinds import SILENT, activation_name, kind

SHAPES = ("Reshape", "Flatten", "Squeeze", "BroadcastTo", "Ravel")
ONES: dict[str, Callable[[Any], bool]] = {
    "Activation": lambda layer: activation_name(layer) == "linear",
    "Identity": lambda layer: True,
    "Permute": lambda layer: list(layer.dims) == sorted(layer.dims),
    "Transpose": lambda operation: operation.axes is not None and list(operation.axes) == sorted(operation.axes),
    "UpSampling2D": lambda layer: tuple(layer.size) == (1, 1),
    "UpSampling1D": lambda layer: layer.size == 1,
    "Cast": lambda operation: True,
}
"""Whether one of a kind hands on its input, where shape and dtype stay the same."""


class Identities(Pass):
    """Calls whose output is their input: a linear activation, dropout of nothing, a reshape to the same shape."""

    name = "identities"
    place = 10
    words = "dropped, since they hand on what they are given"

    def requires(self, tools: Any, graph: FlatGraph) -> Sequence[Call]:
        """Such calls, but for one that leads an input straight to an output."""
        ends = set(graph.outputs)
        return [
            call
            for call in graph.calls
            if _hands_on(call) and not (call.outputs[0] in ends and call.inputs[0] in graph.inputs)
        ]

    def apply(self, tools: Any, graph: FlatGraph) -> FlatGraph:
        """The graph in which what they are given stands for what they make."""
        places = self.requires(tools, graph)
        gone = {id(call) for call in places}
        values = {call.outputs[0]: call.inputs[0] for call in places}
        return graph.replaced([call for call in graph.calls if id(call) not in gone], values)


def _hands_on(call: Call) -> bool:
    if len(call.inputs) != 1 or len(call.outputs) != 1:
        return False
    (given,), (made,), name = call.inputs, call.outputs, kind(call)
    if (given.shape, given.dtype) != (made.shape, made.dtype):
        return False
    if name in SILENT and hasattr(call.operation, "rate"):
        return not call.operation.rate
    if name in SHAPES:  # of two free sizes it is not known which is which
        return sum(size is None for size in given.shape) <= 1
    return name in ONES and ONES[name](call.operation)
