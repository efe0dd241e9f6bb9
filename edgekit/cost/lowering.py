"""What a Keras model becomes in a `.tflite`, as far as its cost goes: which layers are operators, and their weights.

The converter folds batch normalization into the layer before it, fuses plain activations and drops what only training
needs. The widths of each conversion stand here too, so that all costs count the same bytes.
"""

from __future__ import annotations

import math
from typing import Literal

import msgspec

from edgekit.documents.candidate import Step
from edgekit.documents.facts import LayerFacts, ModelFacts
from edgekit.values import Value

TRAINING_ONLY = frozenset(
    {"Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "GaussianDropout", "GaussianNoise",
     "AlphaDropout", "ActivityRegularization", "RandomFlip", "RandomTranslation", "RandomRotation", "RandomZoom", "RandomContrast",
     "RandomBrightness", "RandomHeight", "RandomWidth", "Keras3Augmentation"}
)  # fmt: skip
FUSED_ACTIVATIONS = frozenset({"relu", "relu6", "linear"})
ACTIVATION_LAYERS = frozenset({"Activation", "ReLU"})
TAKES_BATCH_NORM = frozenset({"Conv1D", "Conv2D", "DepthwiseConv2D", "SeparableConv2D", "Conv2DTranspose", "Dense"})
# The converter leaves a constant of fewer elements in float when it quantizes weights only
# (tensorflow/compiler/mlir/lite/quantization/lite/quantize_weights.h, kDefaultMinElements).
DYNAMIC_RANGE_LEAST_ELEMENTS = 1024

Arithmetic = Literal["float32", "int8", "int16x8", "dynamic_range"]


class Widths(Value):
    """Bytes of one element under a conversion; `quantized` weights carry a scale and a zero point a channel, or a tensor.

    `resident` is the width of a weight once the interpreter has unpacked it.
    """

    weight: int
    bias: int
    activation: int
    resident: int
    quantized: bool
    arithmetic: Arithmetic
    per_channel: bool = True

    def scales(self, channels: int) -> int:
        """How many scales the weights of an operator have."""
        return channels if self.per_channel else min(channels, 1)


WIDTHS = {
    "float32": Widths(weight=4, bias=4, activation=4, resident=4, quantized=False, arithmetic="float32"),
    "float16": Widths(weight=2, bias=2, activation=4, resident=4, quantized=False, arithmetic="float32"),
    "dynamic_range": Widths(weight=1, bias=4, activation=4, resident=1, quantized=True, arithmetic="dynamic_range"),
    "int8": Widths(weight=1, bias=4, activation=1, resident=1, quantized=True, arithmetic="int8"),
    "int8_per_tensor": Widths(
        weight=1, bias=4, activation=1, resident=1, quantized=True, arithmetic="int8", per_channel=False
    ),
    "int8_lookup_tables": Widths(weight=1, bias=4, activation=1, resident=1, quantized=True, arithmetic="int8"),
    "int8_float_fallback": Widths(weight=1, bias=4, activation=1, resident=1, quantized=True, arithmetic="int8"),
    "int16x8": Widths(weight=1, bias=8, activation=2, resident=1, quantized=True, arithmetic="int16x8"),
}


class Node(Value):
    """One operator of the converted graph: its tensors by name, and its elements with those of what was folded into it."""

    name: str
    inputs: tuple[str, ...]
    elements: int
    weights: int = 0
    biases: int = 0
    channels: int = 0
    macs: int = 0
    window: int = 0


class Graph(Value):
    """The operators in the order they run, and the names and elements of the tensors that are fed and given back."""

    inputs: dict[str, int]
    nodes: tuple[Node, ...]
    outputs: tuple[str, ...]

    @property
    def weights(self) -> int:
        """Weights of all operators, in elements, without biases."""
        return sum(node.weights for node in self.nodes)


def conversion(steps: tuple[Step, ...]) -> str:
    """The conversion that the steps end in; plain `float32` where they name none."""
    return next((step.technique for step in reversed(steps) if step.technique in WIDTHS), "float32")


def widths(steps: tuple[Step, ...]) -> Widths:
    """The widths of the conversion that the steps end in."""
    return WIDTHS[conversion(steps)]


def lower(facts: ModelFacts) -> Graph:
    """The operators that a model's layers become.

    A free dimension counts as 1, since the interpreter allocates for it only when it is known.
    """
    nodes: dict[str, Node] = {}
    alias: dict[str, str] = {}
    inputs: dict[str, int] = {}
    for layer in facts.layers:
        sources = tuple(alias.get(name, name) for name in layer.inputs)
        if layer.kind == "InputLayer":
            inputs[layer.name] = _elements(layer.output_shape)
        elif len(sources) == 1 and _vanishes(layer, nodes.get(sources[0])):
            alias[layer.name] = sources[0]
            if layer.kind == "BatchNormalization":
                nodes[sources[0]] = _with_batch_norm(nodes[sources[0]])
        else:
            nodes[layer.name] = _node(layer, sources)
    read = {name for node in nodes.values() for name in node.inputs}
    inputs |= _unlisted_inputs(facts, read - nodes.keys() - inputs.keys())
    outputs = tuple(name for name in nodes if name not in read)
    return Graph(inputs=inputs, nodes=tuple(nodes.values()), outputs=outputs)


def _vanishes(layer: LayerFacts, before: Node | None) -> bool:
    if layer.kind in TRAINING_ONLY:
        return True
    if layer.kind == "BatchNormalization":
        return before is not None and before.window > 0
    return before is not None and layer.kind in ACTIVATION_LAYERS and (layer.activation or "relu") in FUSED_ACTIVATIONS


def _node(layer: LayerFacts, sources: tuple[str, ...]) -> Node:
    kernel = math.prod(layer.kernel) if layer.kernel else 0
    channels = _channels(layer)
    biases = channels if kernel and layer.parameters == kernel + channels else 0
    return Node(
        name=layer.name,
        inputs=sources,
        elements=_elements(layer.output_shape),
        weights=2 * channels if layer.kind == "BatchNormalization" else layer.parameters - biases,
        biases=biases,
        channels=channels if layer.parameters else 0,
        macs=layer.macs,
        window=kernel // max(channels, 1) if layer.kind in TAKES_BATCH_NORM else 0,
    )


def _with_batch_norm(node: Node) -> Node:
    """Scale goes into the weights, shift into the bias, which a layer without one gets for it."""
    return msgspec.structs.replace(node, biases=node.biases or node.channels)


def _channels(layer: LayerFacts) -> int:
    return (layer.output_shape[-1] or 1) if layer.output_shape else 1


def _elements(shape: tuple[int | None, ...]) -> int:
    return math.prod(size or 1 for size in shape)


def _unlisted_inputs(facts: ModelFacts, names: set[str]) -> dict[str, int]:
    """Inputs that are no layer of their own, as in a Sequential model."""
    listed = {tensor.name: _elements(tensor.shape) for tensor in facts.inputs}
    first = next(iter(listed.values()), 0)
    found = {name: listed.get(name, first) for name in sorted(names)}
    return found or listed
