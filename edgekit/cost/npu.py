"""What Vela makes of weights, predicted before it runs: the Ethos-U reads weights in a lossless code of its own.

    bits of a weight = (h(s) + (1 - s) * b) * f        b = 8.3 where it is dense, log2(k) + 0.6 with k clusters

with s the share of zeros, h the binary entropy, and f what the stream adds (padding to blocks, tables). So zeros and
few values save flash, and time where the NPU waits for weights. b and f were fitted to what Vela 5.2 made of two int8
models of MLPerf Tiny with zeros and clusters put in (docs/npus.md has the table, and what was held back).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from edgekit.cost import download
from edgekit.cost.graph import Graph
from edgekit.documents.candidate import Estimate

# Low, usual, high. Dense: trained weights close to zero take the low end.
DENSE_BITS = (6.0, 8.3, 9.3)
CLUSTER_BITS = (0.1, 0.6, 1.2)
STREAM = (0.95, 1.06, 1.3)
CHANNEL_BYTES = (8, 10, 16)
OPERATOR_BYTES = (50, 250, 900)
BASE_BYTES = (1000, 2500, 5000)
# The share that the whole file deflates to: the encoded weights do not deflate.
DOWNLOAD_SHARE = (0.55, 0.88, 1.0)
# The share of a predicted peak that is left at least where Vela runs layers in stripes.
STRIPES = 0.2
# The share of an inference in which the NPU waits for weights: none in a keyword spotter of convolutions, half in a
# streaming wake word of wide ones, four fifths in a small network that is mostly one dense layer.
WAITING = (0.95, 0.3, 0.0)
SOURCE = "edgekit.cost.npu: what Vela's code of the weights takes by zeros and clusters, scales, commands"


def weight_bits(graph: Graph, end: int = 1) -> float:
    """Bits that a weight takes in the NPU's code, in the mean; `end` is 0 for the low, 1 for the usual, 2 for the high estimate.

    >>> from edgekit.cost.graph import Node
    >>> dense, sparse = (Graph(nodes=(Node(name="a", inputs=(), elements=1, weights=9, zeros=zeros),)) for zeros in (0.0, 0.75))
    >>> round(weight_bits(dense), 1), round(weight_bits(sparse), 1)
    (8.8, 3.1)
    """
    coded = sum(node.weights * _bits(node.zeros, node.distinct, end) for node in graph.nodes)
    return coded / graph.weights if graph.weights else _bits(0.0, None, end)


def _bits(zeros: float, count: int | None, end: int) -> float:
    dense = DENSE_BITS[end]
    bits = dense if count is None else min(dense, math.log2(max(count, 2)) + CLUSTER_BITS[end])
    return min(dense, download.entropy(zeros) + (1 - zeros) * bits) * STREAM[end]


def compiled(plain: dict[str, Estimate], graph: Graph) -> dict[str, Estimate]:
    """The estimates of the file after Vela, from those of the file before; only an int8 file is compiled, so others keep theirs."""
    if graph.arithmetic != "int8":
        return plain
    ends = [_bytes(graph, end) for end in range(3)]
    deflated = [share * size for share, size in zip(DOWNLOAD_SHARE, ends, strict=True)]
    return {
        **plain,
        "flash": _estimate(ends, SOURCE),
        "download": _estimate(deflated, f"{SOURCE}, deflated"),
        "ram": _memory(plain["ram"], graph),
    }


def _memory(plain: Estimate, graph: Graph) -> Estimate:
    """The memory after Vela: less where it runs layers in stripes, more where it stages the weights of two layers on the chip."""
    largest = max((node.weights for node in graph.nodes), default=0)
    ends = [plain.low * STRIPES, plain.value, plain.high + 2 * largest]
    return _estimate(ends, f"{plain.source}; as Vela may plan it")


def _estimate(ends: Sequence[float], source: str) -> Estimate:
    low, usual, high = (round(size) for size in ends)
    return Estimate(value=usual, low=low, high=high, source=source)


def latency_after(graph: Graph, plain_ms: float, name: str) -> Estimate:
    """The time after training, from the time of the same conversion without training: less where the NPU waits for weights."""
    shrinks = min(weight_bits(graph) / weight_bits(graph.dense), 1.0)
    low, usual, high = (plain_ms * (1 - share * (1 - shrinks)) for share in WAITING)
    source = f"edgekit.cost.npu: from {plain_ms:.4g} ms of {name}, less where the NPU waits for weights"
    return Estimate(value=usual, low=low, high=high * 1.05, source=source)


def _bytes(graph: Graph, end: int) -> float:
    channels = sum(node.channels for node in graph.nodes)
    return (
        graph.weights * weight_bits(graph, end) / 8
        + channels * CHANNEL_BYTES[end]
        + len(graph.nodes) * OPERATOR_BYTES[end]
        + BASE_BYTES[end]
    )
