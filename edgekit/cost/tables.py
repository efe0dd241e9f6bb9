"""What look-up tables make of a model's costs before it is converted: which kernels are packed, into how many bytes.

    packed = weights * ceil(log2(clusters)) / 8 + channels * clusters + the metadata, where that is less than a byte a weight

A packed kernel is decoded into the arena before each use (tensorflow/lite/micro/docs/compression.md), so the arena must hold
it beside the activations of its operator, and the time of an inference grows with its weights.
"""

from __future__ import annotations

import math

from edgekit.cost.lowering import Graph, Node, conversion
from edgekit.documents.candidate import Step
from edgekit.tflite.lookup import METADATA_BYTES

TABLES = "int8_lookup_tables"
# Two tensors, their names and an operator for each packed kernel: low, usual, high. Files of one to nine kernels had 250 to 400.
GRAPH_BYTES = (150, 330, 600)
# Multiply-accumulates that decoding a weight takes as long as: a shift, a mask, a load and a store, of one element at a time.
DECODE_MACS = (1.0, 3.0, 10.0)
LEAST_WEIGHTS = 256


def clusters(steps: tuple[Step, ...]) -> int | None:
    """The clusters that a packed conversion finds; None where there is none to pack."""
    if conversion(steps) != TABLES:
        return None
    given = [step.settings.get("clusters") for step in steps if step.technique == "clustering"]
    return min((int(count) for count in given if count), default=None)


def packed_bytes(node: Node, steps: tuple[Step, ...]) -> int | None:
    """Bytes of an operator's weights in look-up tables, without what they add to the graph; None where they are not packed."""
    count = clusters(steps)
    if count is None or node.window == 0 or node.weights < LEAST_WEIGHTS or node.name in _excluded(steps):
        return None
    bits = max(1, math.ceil(math.log2(count)))
    size = math.ceil(node.weights * bits / 8) + node.channels * count + METADATA_BYTES
    return size if size + GRAPH_BYTES[1] < node.weights else None


def _excluded(steps: tuple[Step, ...]) -> set[str]:
    return {
        str(name) for step in steps if step.technique == "clustering" for name in step.settings.get("exclude") or ()
    }


def decoded(graph: Graph, steps: tuple[Step, ...]) -> list[int]:
    """The weights that are decoded for each operator, in their order; 0 where it has none."""
    return [0 if packed_bytes(node, steps) is None else node.weights for node in graph.nodes]
