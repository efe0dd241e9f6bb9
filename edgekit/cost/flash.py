"""The size of a `.tflite` before it is made: its weights at their width, scales, and the graph that describes them.

    flash = sum over operators (weights * width + biases * width + scales * 24 B where quantized)
            + graph (a base, and a share for each operator: its tensors, names and options)

A quantized weight tensor and its bias each carry a float32 scale and an int64 zero point a channel, or one of each: 2 * (4 + 8) B
(tensorflow/lite/schema/schema.fbs, table QuantizationParameters). The graph's share depends on the length of names;
its interval encloses MLPerf Tiny's reference models, whose names are long and short.
"""

from __future__ import annotations

from edgekit.cost import tables
from edgekit.cost.lowering import DYNAMIC_RANGE_LEAST_ELEMENTS, Node, Widths, conversion, lower, widths
from edgekit.devices.profile import DeviceProfile
from edgekit.documents.candidate import Estimate, Step
from edgekit.documents.facts import ModelFacts

# Low, usual, high, in bytes.
BASE_BYTES = (800, 2000, 4500)
OPERATOR_BYTES = (120, 500, 1400)
# Float16 weights come with an operator each that widens them.
DEQUANTIZE_BYTES = (60, 150, 400)
CHANNEL_BYTES = (12, 24, 24)
SOURCE = "edgekit.cost.flash: weights at their width, scales, and a share for the graph (schema.fbs)"


def predict(profile: DeviceProfile, facts: ModelFacts, steps: tuple[Step, ...]) -> Estimate:
    """Bytes of the `.tflite`; pruning and clustering do not change them but where clusters are packed into look-up tables."""
    low, usual, high = (weight_bytes(facts, steps, end) + graph_bytes(facts, steps, end) for end in range(3))
    return Estimate(value=usual, low=low, high=high, source=SOURCE)


def weight_bytes(facts: ModelFacts, steps: tuple[Step, ...], end: int = 1) -> int:
    """Bytes of all constant tensors; `end` is 0 for the low, 1 for the usual, 2 for the high estimate of scales."""
    return sum(node_bytes(node, steps, end) for node in lower(facts).nodes)


def graph_bytes(facts: ModelFacts, steps: tuple[Step, ...], end: int = 1) -> int:
    """Bytes of all that is not a constant tensor: operators, tensors, names."""
    nodes = lower(facts).nodes
    total = BASE_BYTES[end] + len(nodes) * OPERATOR_BYTES[end]
    if conversion(steps) == "float16":
        total += sum(1 for node in nodes if node.weights) * 2 * DEQUANTIZE_BYTES[end]
    packed = sum(1 for node in nodes if tables.packed_bytes(node, steps) is not None)
    return total + packed * tables.GRAPH_BYTES[end]


def scale_bytes(facts: ModelFacts, steps: tuple[Step, ...], end: int = 1) -> int:
    """Bytes of all scales and zero points, which `weight_bytes` counts too."""
    quantized = [node for node in lower(facts).nodes if _is_quantized(node, widths(steps), steps)]
    return sum(widths(steps).scales(node.channels) * CHANNEL_BYTES[end] for node in quantized)


def node_bytes(node: Node, steps: tuple[Step, ...], end: int = 1) -> int:
    """Bytes of one operator's constants; `end` as in `weight_bytes`."""
    width = widths(steps)
    if width.quantized and not _is_quantized(node, width, steps):
        return (node.weights + node.biases) * 4
    scales = width.scales(node.channels) * CHANNEL_BYTES[end] if width.quantized else 0
    packed = tables.packed_bytes(node, steps)
    if packed is not None:
        return packed + node.biases * width.bias + scales
    return node.weights * width.weight + node.biases * width.bias + scales


def _is_quantized(node: Node, width: Widths, steps: tuple[Step, ...]) -> bool:
    least = DYNAMIC_RANGE_LEAST_ELEMENTS if conversion(steps) == "dynamic_range" else 1
    return width.quantized and node.weights >= least
