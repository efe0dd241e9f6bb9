"""Activations that no kernel fuses become layers of their own: fake quantization needs the value between, which is rounded in the file."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from edgekit.keras_graph.flat_graph import Call, FlatGraph
from edgekit.passes.interface import Pass
from edgekit.passes.kinds import activation_name, kind
from edgekit.passes.rewriting import Rewriting, copied

KINDS = (
    "Dense", "EinsumDense", "Conv1D", "Conv2D", "Conv3D", "DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D",
    "Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose",
)  # fmt: skip
FUSED = ("linear", "relu", "relu6")


class SplitActivations(Pass):
    """A dense or convolution layer with another activation than ReLU: the layer without it, then an `Activation` layer."""

    name = "split_activations"
    place = 60
    words = "activations made layers of their own, because int8 rounds the value before them"

    def requires(self, tools: Any, graph: FlatGraph) -> Sequence[Call]:
        """The calls of such layers."""
        return [call for call in graph.calls if kind(call) in KINDS and _can_be_split(call.operation)]

    def apply(self, tools: Any, graph: FlatGraph) -> FlatGraph:
        """A layer that is called more than once is so afterwards; each call gets an activation."""
        places = self.requires(tools, graph)
        rewriting = Rewriting(tools, graph, places)
        for call in places:
            layer = call.operation
            plain = rewriting.once(layer, functools.partial(copied, layer, activation=None))
            between = rewriting.call(plain, *call.args, **call.kwargs)
            rewriting.put(call, rewriting.call(_activation(tools, layer), between))
        return rewriting.done()


def _can_be_split(layer: Any) -> bool:
    """A loss on what the layer makes would be one on something else."""
    return activation_name(layer) not in FUSED and getattr(layer, "activity_regularizer", None) is None


def _activation(tools: Any, layer: Any) -> Any:
    name = f"{layer.name}_{activation_name(layer)}"
    if hasattr(layer.activation, "get_config"):  # a layer that was given as one
        return type(layer.activation).from_config(layer.activation.get_config() | {"name": name})
    return tools.keras3.layers.Activation(layer.activation, dtype=layer.dtype_policy, name=name)
