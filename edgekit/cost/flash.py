"""The size of a `.tflite` before it is made: its weights at their width, scales, and the graph that describes them.

    flash = sum over operators (weights * width + biases * width + scales * 8 B where quantized)
            + graph (a base, and a share for each operator: its tensors and options)

A quantized weight tensor and its bias each hold a float32 scale and an int64 zero point, per channel or per tensor: 2 * (4 + 8) B
(tensorflow/lite/schema/schema.fbs, table QuantizationParameters). After the file's diet the zero points, which are equal, are stored
once, and there are no names. The high ends are those of a file that keeps both: one with long names, or that cannot be put on a diet.
"""

from __future__ import annotations

from edgekit.cost import decoding
from edgekit.cost.graph import Graph, Node
from edgekit.devices.profile import DeviceProfile
from edgekit.documents.candidate import Estimate

# Low, usual, high, in bytes.
BASE_BYTES = (500, 850, 4500)
OPERATOR_BYTES = (60, 200, 1400)
# A constant that is stored narrower comes with an operator that widens it.
DEQUANTIZE_BYTES = (40, 80, 400)
CHANNEL_BYTES = (8, 9, 24)
SOURCE = "edgekit.cost.flash: weights at their width, scales, and a share for the graph (schema.fbs)"


def predict(profile: DeviceProfile | None, graph: Graph) -> Estimate:
    """Bytes of the `.tflite`; zeros and repeated weights do not change them, unless the weights are coded."""
    low, usual, high = (weight_bytes(graph, end) + graph_bytes(graph, end) for end in range(3))
    return Estimate(value=usual, low=low, high=high, source=SOURCE)


def weight_bytes(graph: Graph, end: int = 1) -> int:
    """Bytes of all constant tensors with their scales; `end` is 0 for the low, 1 for the usual, 2 for the high estimate of scales, and of what stays in float."""
    return sum(node_bytes(node, end) for node in graph.nodes) + left_bytes(graph, end)


def left_bytes(graph: Graph, end: int = 1) -> int:
    """What weights that stay in float beside those of a byte take more than these; at the low end none stays."""
    return 0 if end == 0 else graph.float_weights * (graph.float_bytes - 1)


def graph_bytes(graph: Graph, end: int = 1) -> int:
    """Bytes of everything that is not a constant tensor: operators, tensors, names."""
    widened = sum(node.widened for node in graph.nodes)
    coded = sum(node.packed is not None for node in graph.nodes)
    return (
        BASE_BYTES[end]
        + len(graph.nodes) * OPERATOR_BYTES[end]
        + widened * DEQUANTIZE_BYTES[end]
        + coded * decoding.GRAPH_BYTES[end]
    )


def scale_bytes(graph: Graph, end: int = 1) -> int:
    """Bytes of all scales and zero points, which `weight_bytes` includes."""
    return sum(node.scales for node in graph.nodes) * CHANNEL_BYTES[end]


def node_bytes(node: Node, end: int = 1) -> int:
    """Bytes of one operator's constants; `end` as in `weight_bytes`."""
    weights = node.weight_bytes if node.packed is None else node.packed.bytes_at(end)
    return weights + node.biases * node.bias_bytes + node.scales * CHANNEL_BYTES[end]
