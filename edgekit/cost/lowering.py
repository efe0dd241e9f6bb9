"""What a Keras model becomes in a `.tflite`, as far as costs depend on it: which layers are operators, and their weights.

The converter folds batch normalization into the layer before it, fuses plain activations and drops what only training
needs. All costs are counted on this graph, so that they count the same operators.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec

from edgekit.cost.graph import Graph, Node
from edgekit.documents.facts import RECURRENT, ChannelGroup, LayerFacts, ModelFacts

TRAINING_ONLY = frozenset(
    {"Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "GaussianDropout", "GaussianNoise",
     "AlphaDropout", "ActivityRegularization", "RandomFlip", "RandomTranslation", "RandomRotation", "RandomZoom", "RandomContrast",
     "RandomBrightness", "RandomHeight", "RandomWidth", "Keras3Augmentation"}
)  # fmt: skip
FUSED_ACTIVATIONS = frozenset({"relu", "relu6", "linear"})
ACTIVATION_LAYERS = frozenset({"Activation", "ReLU"})
TAKES_BATCH_NORM = frozenset({"Conv1D", "Conv2D", "DepthwiseConv2D", "SeparableConv2D", "Conv2DTranspose", "Dense"})
SUMS_CHANNELS = frozenset(
    {"Dense", "Conv1D", "Conv2D", "Conv3D", "Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"}
)


def lower(facts: ModelFacts) -> Graph:
    """The operators that a model's layers become, in float32.

    A dimension without a fixed size counts as 1: a build has fixed them all, by its data.
    """
    nodes: dict[str, Node] = {}
    alias: dict[str, str] = {}
    inputs: dict[str, int] = {}
    shapes = {one.name: one.shape for one in facts.inputs} | {one.name: one.output_shape for one in facts.layers}
    for layer in facts.layers:
        sources = tuple(alias.get(name, name) for name in layer.inputs)
        if layer.kind == "InputLayer":
            inputs[layer.name] = _elements(layer.output_shape)
        elif len(sources) == 1 and _is_folded(layer, nodes.get(sources[0])):
            alias[layer.name] = sources[0]
            if layer.kind == "BatchNormalization":
                nodes[sources[0]] = _with_batch_norm(nodes[sources[0]])
        else:
            nodes[layer.name] = _moving(_node(layer, sources), layer, shapes)
    read = {name for node in nodes.values() for name in node.inputs}
    inputs |= _unlisted_inputs(facts, read - nodes.keys() - inputs.keys())
    outputs = tuple(name for name in nodes if name not in read)
    groups = tuple(_of_nodes(group, nodes) for group in facts.groups)
    return Graph(
        inputs=inputs, nodes=tuple(_with_values(one, facts) for one in nodes.values()), outputs=outputs, groups=groups
    )


def _with_values(node: Node, facts: ModelFacts) -> Node:
    """The operator with the zeros and few values that its weights are known to have."""
    known = facts.values.get(node.name)
    return node if known is None else msgspec.structs.replace(node, zeros=known.zeros, distinct=known.distinct)


def _is_folded(layer: LayerFacts, before: Node | None) -> bool:
    if layer.kind in TRAINING_ONLY:
        return True
    if layer.kind == "BatchNormalization":
        return before is not None and before.window > 0
    return before is not None and layer.kind in ACTIVATION_LAYERS and (layer.activation or "relu") in FUSED_ACTIVATIONS


def _node(layer: LayerFacts, sources: tuple[str, ...]) -> Node:
    kernel = math.prod(layer.kernel) if layer.kernel else 0
    channels = _elements(layer.output_shape[-layer.channel_axes :])
    biases = channels if kernel and layer.parameters == kernel + channels else 0
    biases = layer.biases if layer.kind in RECURRENT else biases
    return Node(
        name=layer.name,
        inputs=sources,
        elements=_elements(layer.output_shape),
        kind=layer.kind,
        weights=2 * channels if layer.kind == "BatchNormalization" else layer.parameters - biases,
        biases=biases,
        channels=channels if layer.parameters else 0,
        macs=layer.macs,
        window=kernel // max(channels, 1) if layer.kind in TAKES_BATCH_NORM else 0,
        width=channels,
        reads=_reads(layer),
        fused=layer.fused,
    )


def _of_nodes(group: ChannelGroup, nodes: Mapping[str, Node]) -> ChannelGroup:
    """A group without the layers that are no operators: they are parts of some that stay in it."""
    layers, reads = (
        {name: count for name, count in found.items() if name in nodes} for found in (group.layers, group.reads)
    )
    return msgspec.structs.replace(group, layers=layers, reads=reads)


def _moving(node: Node, layer: LayerFacts, shapes: Mapping[str, tuple[int | None, ...]]) -> Node:
    """A convolution's node with the axes that its kernel moves over; another node, and one whose channels do not come last, stays as it is."""
    given = shapes.get(layer.inputs[0], ()) if layer.inputs else ()
    kernel, made = layer.kernel or (), layer.output_shape
    if (
        layer.kind not in ("Conv1D", "Conv2D")
        or not len(kernel) - 1 == len(given) == len(made)
        or made[-1] != kernel[-1]
    ):
        return node
    return msgspec.structs.replace(
        node,
        kernel_size=kernel[:-2],
        places_in=tuple(size or 1 for size in given[:-1]),
        places_out=tuple(size or 1 for size in made[:-1]),
        filter_groups=max(1, (given[-1] or 1) // max(kernel[-2], 1)),
    )


def _with_batch_norm(node: Node) -> Node:
    """The scale goes into the weights, the shift into the bias, which is added where the layer has none."""
    return msgspec.structs.replace(node, biases=node.biases or node.channels)


def _reads(layer: LayerFacts) -> int:
    """The input channels of a kernel: its last axis but one; the last of a transposed one, whose filters come before. Those of a recurrent layer's kernels are added up."""
    if layer.kernel is not None and layer.kind in RECURRENT:
        return (layer.parameters - layer.biases) // layer.kernel[-1]
    if layer.kernel is None or layer.kind not in SUMS_CHANNELS:
        return 0
    return layer.kernel[-1 if layer.kind.endswith("Transpose") else -2]


def _elements(shape: tuple[int | None, ...]) -> int:
    return math.prod(size or 1 for size in shape)


def _unlisted_inputs(facts: ModelFacts, names: set[str]) -> dict[str, int]:
    """Inputs without an input layer of their own, as in a Sequential model."""
    listed = {tensor.name: _elements(tensor.shape) for tensor in facts.inputs}
    first = next(iter(listed.values()), 0)
    found = {name: listed.get(name, first) for name in sorted(names)}
    return found or listed
