"""Separable convolutions as the two that the file has: one over each channel, then one of a single point over all channels.

The second has the kernel that is worth pruning and clustering, and keeps the layer's name. The first has no bias and no activation.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from edgekit.keras_graph.flat_graph import Call, FlatGraph
from edgekit.passes.interface import Pass
from edgekit.passes.kinds import kind
from edgekit.passes.rewriting import Rewriting, weighted

KINDS = {"SeparableConv1D": ("DepthwiseConv1D", "Conv1D"), "SeparableConv2D": ("DepthwiseConv2D", "Conv2D")}


class SplitSeparable(Pass):
    """A depthwise convolution named `<layer>_depthwise`, and a convolution of a point with the layer's own name."""

    name = "split_separable"
    place = 50
    words = "separable convolutions made two layers, the second of which is pruned and clustered like others"

    def requires(self, tools: Any, graph: FlatGraph) -> Sequence[Call]:
        """The calls of such layers; one whose channels come first stays."""
        return [call for call in graph.calls if kind(call) in KINDS and call.operation.data_format == "channels_last"]

    def apply(self, tools: Any, graph: FlatGraph) -> FlatGraph:
        """A layer that is called more than once becomes two that are."""
        places = self.requires(tools, graph)
        rewriting = Rewriting(tools, graph, places)
        for call in places:
            pair = rewriting.once(call.operation, functools.partial(_pair, tools, call.operation, call.inputs[0].shape))
            rewriting.put(call, rewriting.call(pair[1], rewriting.call(pair[0], call.inputs[0])))
        return rewriting.done()


def _pair(tools: Any, layer: Any, shape: tuple[int | None, ...]) -> tuple[Any, Any]:
    depthwise, pointwise = (getattr(tools.keras3.layers, name) for name in KINDS[type(layer).__name__])
    shared = {"dtype": layer.dtype_policy, "trainable": layer.trainable}
    first = depthwise(
        layer.kernel_size, strides=layer.strides, padding=layer.padding, depth_multiplier=layer.depth_multiplier,
        dilation_rate=layer.dilation_rate, use_bias=False, depthwise_regularizer=layer.depthwise_regularizer,
        name=f"{layer.name}_depthwise", **shared,
    )  # fmt: skip
    second = pointwise(
        layer.filters, 1, activation=layer.activation, use_bias=layer.use_bias, kernel_regularizer=layer.pointwise_regularizer,
        name=layer.name, **shared,
    )  # fmt: skip
    bias = [np.asarray(layer.bias)] if layer.use_bias else []
    channels = layer.pointwise_kernel.shape[-2]
    return (
        weighted(first, shape, np.asarray(layer.depthwise_kernel)),
        weighted(second, (*(None,) * len(layer.kernel_size), channels), np.asarray(layer.pointwise_kernel), *bias),
    )
