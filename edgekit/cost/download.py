"""The deflated size of a `.tflite` before it is made, which is where pruning and clustering pay.

    bits of a weight = h(s) + (1 - s) * min(b, c * log2(k))

with s the share of zeros, h the binary entropy, k the clusters, b the bits that a dense weight of the format deflates
to, and c the factor by which DEFLATE (RFC 1951: Huffman codes of whole bytes, and matches) exceeds the entropy. b and c
were measured by deflating normally distributed weights; the test of this file repeats that and checks the interval
against it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from edgekit.cost import flash
from edgekit.cost.graph import Graph
from edgekit.devices.profile import DeviceProfile
from edgekit.documents.candidate import Estimate

# Deflated share of a dense tensor: low, usual, high; trained int8 weights lie close to zero, hence its low end.
DENSE_SHARE = {4: (0.86, 0.926, 0.97), 2: (0.84, 0.923, 1.0), 1: (0.60, 0.88, 1.0)}
# Bits that a cluster's index deflates to, over log2(k), by the bytes of a weight.
CLUSTER_FACTOR = {4: (1.1, 1.38, 1.8), 2: (1.0, 1.2, 1.6), 1: (0.8, 1.07, 1.35)}
# DEFLATE needs (1 + penalty * s) times the bits of h(s) + (1 - s) b.
ZEROS_PENALTY = (-0.1, 0.25, 0.45)
# Scales alone hardly deflate. Where the zero points are there too, at the high end, two thirds of the bytes are zero.
SCALE_SHARE = (0.6, 0.9, 0.7)
GRAPH_SHARE = (0.3, 0.5, 0.65)
SOURCE = "edgekit.cost.download: entropy of the weights by sparsity and clusters, and what DEFLATE makes of it"


def predict(profile: DeviceProfile, graph: Graph) -> Estimate:
    """Bytes of the deflated `.tflite` (level 9)."""
    low, usual, high = (_deflated_bytes(graph, end) for end in range(3))
    return Estimate(value=round(usual), low=round(low), high=round(high), source=SOURCE)


def weight_bits(width_bits: int, zeros: float, count: int | None, end: int) -> float:
    """Bits that one weight of a width deflates to; `end` is 0 for the low, 1 for the usual, 2 for the high estimate.

    >>> round(weight_bits(32, 0.0, None, 1), 1), round(weight_bits(32, 0.8, None, 1), 1)
    (29.6, 8.0)
    """
    dense = width_bits * _of_width(DENSE_SHARE, width_bits)[end]
    bits = dense if count is None else min(dense, _of_width(CLUSTER_FACTOR, width_bits)[end] * math.log2(max(count, 2)))
    sparse = (entropy(zeros) + (1 - zeros) * bits) * (1 + ZEROS_PENALTY[end] * zeros)
    return min(bits, sparse)


def _of_width(table: Mapping[int, tuple[float, float, float]], width_bits: int) -> tuple[float, float, float]:
    """The row of the narrowest width that holds the weights: weights of a few bits are packed into bytes."""
    return table[min((width for width in table if 8 * width >= width_bits), default=max(table))]


def _deflated_bytes(graph: Graph, end: int) -> float:
    weights = sum(
        node.weights * weight_bits(node.weight_bits, node.zeros, node.distinct, end) / 8 for node in graph.nodes
    )
    scales = flash.scale_bytes(graph, end)
    biases = max(flash.weight_bytes(graph, end) - scales - sum(node.weight_bytes for node in graph.nodes), 0)
    rest = flash.graph_bytes(graph, end) * GRAPH_SHARE[end]
    deflated = weights + biases * DENSE_SHARE[2][end] + scales * SCALE_SHARE[end] + rest
    return min(deflated, flash.weight_bytes(graph, end) + flash.graph_bytes(graph, end))


def entropy(share: float) -> float:
    """The binary entropy of a share, in bits."""
    if not 0 < share < 1:
        return 0.0
    return -share * math.log2(share) - (1 - share) * math.log2(1 - share)
