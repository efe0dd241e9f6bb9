"""The deflated size of a `.tflite` before it is made, which is where pruning and clustering pay.

    bits of a weight = h(s) + (1 - s) * min(b, c * log2(k))

with s the share of zeros, h the binary entropy, k the clusters, b the bits that a dense weight of the format deflates
to and c what DEFLATE (RFC 1951: Huffman codes of whole bytes, and matches) falls short of the entropy by. b and c were
taken by deflating normally distributed weights; the test of this file does it again and holds the interval to it.
"""

from __future__ import annotations

import math

from edgekit.cost import flash
from edgekit.cost.lowering import lower, widths
from edgekit.devices.profile import DeviceProfile
from edgekit.documents.candidate import Estimate, Step
from edgekit.documents.facts import ModelFacts

# Deflated share of a dense tensor: low, usual, high; trained int8 weights cluster round zero, hence its low end.
DENSE_SHARE = {4: (0.86, 0.926, 0.97), 2: (0.84, 0.923, 1.0), 1: (0.60, 0.88, 1.0)}
# Bits that a cluster's index deflates to, over log2(k): by bytes of a weight.
CLUSTER_FACTOR = {4: (1.1, 1.38, 1.8), 2: (1.0, 1.2, 1.6), 1: (0.8, 1.07, 1.35)}
# How far DEFLATE stays behind h(s) + (1 - s) b: grows with the share of zeros, 1.0 where there are none.
ZEROS_PENALTY = (-0.1, 0.25, 0.45)
# Two thirds of a scale's bytes are a zero point of zero.
SCALE_SHARE = (0.2, 0.4, 0.7)
GRAPH_SHARE = (0.15, 0.35, 0.65)
SOURCE = "edgekit.cost.download: entropy of the weights by sparsity and clusters, and what DEFLATE makes of it"


def predict(profile: DeviceProfile, facts: ModelFacts, steps: tuple[Step, ...]) -> Estimate:
    """Bytes of the deflated `.tflite` (level 9)."""
    low, usual, high = (_deflated_bytes(facts, steps, end) for end in range(3))
    return Estimate(value=round(usual), low=round(low), high=round(high), source=SOURCE)


def sparsity(steps: tuple[Step, ...]) -> float:
    """The share of weights that the steps set to zero."""
    given = [step.settings.get("sparsity", 0.0) for step in steps if step.technique == "pruning"]
    return min(max((float(share) for share in given), default=0.0), 1.0)


def clusters(steps: tuple[Step, ...]) -> int | None:
    """The clusters that the steps leave in a weight tensor; None where they make none."""
    given = [step.settings.get("clusters") for step in steps if step.technique == "clustering"]
    return min((int(count) for count in given if count), default=None)


def weight_bits(width_bytes: int, zeros: float, count: int | None, end: int) -> float:
    """Bits that one weight deflates to; `end` is 0 for the low, 1 for the usual, 2 for the high estimate.

    >>> round(weight_bits(4, 0.0, None, 1), 1), round(weight_bits(4, 0.8, None, 1), 1)
    (29.6, 8.0)
    """
    dense = 8 * width_bytes * DENSE_SHARE[width_bytes][end]
    bits = dense if count is None else min(dense, CLUSTER_FACTOR[width_bytes][end] * math.log2(max(count, 2)))
    sparse = (entropy(zeros) + (1 - zeros) * bits) * (1 + ZEROS_PENALTY[end] * zeros)
    return min(bits, sparse)


def _deflated_bytes(facts: ModelFacts, steps: tuple[Step, ...], end: int) -> float:
    zeros, count, width = sparsity(steps), clusters(steps), widths(steps)
    weights = lower(facts).weights * weight_bits(width.weight, zeros, count, end) / 8
    scales = flash.scale_bytes(facts, steps, end)
    biases = max(flash.weight_bytes(facts, steps, end) - scales - lower(facts).weights * width.weight, 0)
    graph = flash.graph_bytes(facts, steps, end) * GRAPH_SHARE[end]
    deflated = weights + biases * DENSE_SHARE[2][end] + scales * SCALE_SHARE[end] + graph
    return min(deflated, _raw_bytes(facts, steps, end))


def _raw_bytes(facts: ModelFacts, steps: tuple[Step, ...], end: int) -> int:
    return flash.weight_bytes(facts, steps, end) + flash.graph_bytes(facts, steps, end)


def entropy(share: float) -> float:
    """The binary entropy of a share, in bits."""
    if not 0 < share < 1:
        return 0.0
    return -share * math.log2(share) - (1 - share) * math.log2(1 - share)
