"""Which large kernels of a lowered graph a packing could make smaller, whatever their weights are: told by their sizes and by what reads them.

A packed kernel adds operators to the file: one that writes it out, and often some for each operator that reads it. The kernels of a recurrent layer
lie in its loop, where none is packed: a conversion that lacks its proof is made again with all loops unrolled, and they are read in each step.
The one operator of a fused layer reads its kernels plain, unless a loop beside it has all unrolled.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from edgekit.cost.graph import Graph, Node
from edgekit.documents.facts import RECURRENT
from edgekit.techniques.sites import LAYER_KINDS, MINIMUM_WEIGHTS, OTHER_OPERATORS

DEPTHWISE = ("DepthwiseConv1D", "DepthwiseConv2D")
CODED_KINDS = (*LAYER_KINDS, *DEPTHWISE)
"""The layers whose kernels are coded."""
LOOPS = (*RECURRENT, "RNN", "ConvLSTM", "StackedRNN")
"""Layers, by how their kind begins, that are loops in a file where they are not fused."""
BYTE = 8


class Added(NamedTuple):
    """The least that a packing leaves of a kernel and adds to the file: `bits` of each weight, bytes for each operator that reads the kernel, and bytes `once`.

    `readers_of` are the kinds of layers whose operators count as readers; those of others add nothing.
    """

    once: int
    reader: int
    bits: int
    readers_of: tuple[str, ...] = (*CODED_KINDS, *RECURRENT)


class _Kernel(NamedTuple):
    weights: int
    readers: int


def none_packable(graph: Graph, added: Added, least_macs: float = 0) -> str | None:
    """Why no kernel of a graph that has as many weights as training works on could get smaller; None where one could whose weights are used often enough."""
    found = [node for node in graph.nodes if node.weights and _is_kernel(node)]
    used = [node for node in found if node.macs >= least_macs * node.weights]
    unrolls = any(node.kind.startswith(LOOPS) and not node.fused for node in graph.nodes)
    kernels = ((kernel, node.kind) for node in used if unrolls or not node.fused for kernel in _kernels(node))
    saved = sum(_most_saved(kernel, kind, added) for kernel, kind in kernels)
    if saved > added.once:
        return None
    if found and not used:
        most = max(node.macs / node.weights for node in found)
        return f"no kernel takes part in {least_macs:g} multiply-accumulates a weight or more (least_macs): the most is {most:g}"
    loops = [node.name for node in found if node.kind in RECURRENT]
    if loops:
        return (
            f"no kernel could get smaller: those of recurrent layers ({', '.join(loops)}) stay plain in one operator, or are read in each step "
            "of a loop, and no other is large enough: end the chain in int8"
        )
    if not found:
        return "no layer has a kernel that could be coded"
    most_weights = max(node.weights for node in found)
    return f"no kernel is large enough to get smaller: the largest has {most_weights} weights: end the chain in int8"


def _is_kernel(node: Node) -> bool:
    """Whether an operator's weights may be a kernel that can be packed; what a layer of another kind becomes is not known."""
    return node.kind in CODED_KINDS or not node.kind.startswith(OTHER_OPERATORS)


def _kernels(node: Node) -> Iterator[_Kernel]:
    """The kernels of an operator, no smaller than they are, and by how many operators each is read at least.

    In an unrolled loop the first step's state is zero: it reads no recurrent kernel.
    """
    if node.kind not in RECURRENT:
        yield _Kernel(node.weights, 1)
        return
    steps = max(node.macs // node.weights, 1)
    later = max(steps - 1, 1)
    if node.kind == "Bidirectional":  # how much of each direction is of its input is not known
        yield from [_Kernel(node.weights // 2, later)] * 2
    else:
        recurrent = node.weights * node.width // max(node.reads, node.width)
        yield from (_Kernel(node.weights - recurrent, steps), _Kernel(recurrent, later))


def _most_saved(kernel: _Kernel, kind: str, added: Added) -> float:
    """The most bytes that a kernel can get smaller by; 0 where it cannot, or is too small to be worked on: its gain would be some bytes."""
    if kernel.weights < MINIMUM_WEIGHTS:
        return 0.0
    readers = kernel.readers if kind in added.readers_of else 0
    return max(kernel.weights * (1 - added.bits / BYTE) - added.reader * readers, 0.0)
