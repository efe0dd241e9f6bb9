"""What coding weights costs that tflite-micro decodes or LiteRT expands, and whether it pays on a device.

The techniques that make zeros or repeated values and the conversions that code them ask here. The file shrinks, but on a
microcontroller the firmware gains the code that decodes it: where that code takes more flash than the file saves, coding does not pay.
LiteRT has its code anyway, and expands weights once. All sizes are predictions; a chain that the project defines itself is tried all the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec.structs import replace

from edgekit.cost import flash
from edgekit.cost.decoding import GRAPH_BYTES
from edgekit.cost.download import entropy
from edgekit.cost.graph import Graph, Node, Packed
from edgekit.cost.kernels_flash import code_bytes
from edgekit.devices.profile import DeviceProfile
from edgekit.techniques.integer import WEIGHT_BITS, WEIGHT_BYTES, integer
from edgekit.techniques.interface import COUNTS, Task
from edgekit.techniques.packable import CODED_KINDS
from edgekit.techniques.sites import is_worked_on, left_out
from edgekit.tflite.coding.header import DECODE, HEAD_BYTES
from edgekit.units import format_size

CLUSTERS = (32, 16, 8, 4, 2)
"""The numbers of clusters that are tried unless the project says otherwise, from the lightest to the strongest."""
OWN = "a chain of the project's own asks for them"
# Low, usual, high share of its bits that a Huffman code leaves of a weight that is not zero. Usual: measured on the int8
# kernels of MLPerf Tiny's keyword spotters (0.94 to 0.96); low: as few as a kernel with wide tails deflates to.
DENSE_SHARE = (0.7, 0.95, 1.0)
# The same, of log2 of the distinct values that are not zero: clusters are not all alike in size.
CLUSTER_SHARE = (0.5, 0.9, 1.0)
# The bytes of a code's tables for each distinct value: none where other kernels share them, one item and a part where none does.
VALUE_BYTES = (0.0, 1.0, 2.4)
MOST_VALUES = 250
# What a sparse kernel takes in the graph beyond `cost.decoding.GRAPH_BYTES`: low and usual in a convolution, high in a dense layer.
SPARSE_GRAPH_BYTES = (60, 100, 300)
MOST_IN_A_BYTE = 256


def why_not(task: Task, clusters: int = CLUSTERS[-1]) -> str | None:
    """Why look-up tables of `clusters` values do not pay; None where they are predicted to pay.

    The default is the fewest clusters, which save the most: where they do not pay, none do.
    """
    return no_decoder(task, "look-up tables") or _pays_too_little(
        task, f"look-up tables of {clusters} clusters", saved_bytes(task, clusters)
    )


def why_not_coded(task: Task, zeros: float, least_macs: float = 0) -> str | None:
    """Why coding the kernels does not pay where training leaves this share of zeros; None where it is predicted to pay."""
    reason = no_decoder(task, "coded weights")
    if reason is not None:
        return reason
    graph = integer(with_zeros(task.graph, zeros, left_out(task)))
    what = f"coded weights with {zeros:.0%} zeros" if zeros else "coded weights"
    return _pays_too_little(task, what, _saved(task, graph, coded(graph, least_macs)))


def why_not_sparse(task: Task, zeros: float) -> str | None:
    """Why the sparse encoding does not pay where training leaves this share of zeros; None where it is predicted to pay."""
    reason = no_expander(task)
    if reason is not None:
        return reason
    graph = integer(with_zeros(task.graph, zeros, left_out(task)))
    return _saves_too_little(task, f"sparse kernels with {zeros:.0%} zeros", graph, sparse(graph))


def why_zeros_stay(task: Task, zeros: float) -> str | None:
    """Why no runtime's coding makes this share of zeros pay in the raw file; None where one does."""
    of_the_runtime = why_not_sparse if task.profile.runtime.kind == "litert" else why_not_coded
    return of_the_runtime(task, zeros)


def cannot_expand(profile: DeviceProfile) -> str | None:
    """Why a device is certain to expand no sparse kernels; None where its runtime has DENSIFY, whether or not that was measured."""
    is_certain = profile.runtime.kind == "tflite_micro" or profile.npu is not None
    return _not_expanded(profile) if is_certain else None


def _not_expanded(profile: DeviceProfile) -> str | None:
    if profile.runtime.kind != "litert":
        return f"only LiteRT is known to expand sparse kernels, and {profile.name} has {profile.runtime.kind}"
    return None if profile.npu is None else f"the compiler of the NPU of {profile.name} reads no sparse kernels"


def no_expander(task: Task) -> str | None:
    """Why a device is not known to expand sparse kernels, or nobody counts the flash that they save."""
    profile = task.profile
    reason = _not_expanded(profile)
    if reason is not None:
        return reason
    if profile.numerics.int8 == "absent":
        return f"{profile.name} has no int8 arithmetic"
    if not task.counts("flash"):
        return f"sparse kernels shrink the flash alone, which neither a limit nor the goal asks for ({OWN})"
    return None


def against_sparse(task: Task, graph: Graph) -> str | None:
    """Why the sparse kernels of a candidate's graph do not pay; None where they are predicted to pay."""
    plain = graph.changed(lambda node: {"packed": None})
    return no_expander(task) or _saves_too_little(task, "sparse kernels", plain, graph)


def _saves_too_little(task: Task, what: str, plain: Graph, packed: Graph) -> str | None:
    """Where less than a hundredth is saved: of the limit with a balanced goal, else of the int8 file."""
    saved = max(_saved(task, plain, packed), 0)
    limit = task.room("flash") if task.goal.aim == "balanced" else None
    whole = flash.predict(task.profile, plain).value if limit is None else limit
    if saved >= COUNTS * whole:
        return None
    of = "the int8 file" if limit is None else "flash"
    return f"{what} are predicted to save {format_size(saved)}: below 1% of the {format_size(whole)} of {of} ({OWN})"


def cannot_decode(profile: DeviceProfile, what: str) -> str | None:
    """Why a device decodes no weights; None where it does."""
    if profile.runtime.kind != "tflite_micro":
        return f"only tflite-micro decodes {what}, and {profile.name} has {profile.runtime.kind}"
    if profile.kind != "microcontroller":
        return f"the compiler of the NPU of {profile.name} reads no {what}"
    return f"{profile.name} has no int8 arithmetic" if profile.numerics.int8 == "absent" else None


def no_decoder(task: Task, what: str) -> str | None:
    """Why a device decodes no weights, or the goal asks for nothing that they shrink; `what` begins the sentence."""
    reason = cannot_decode(task.profile, what)
    if reason is not None:
        return reason
    if task.goal.aim not in ("smallest", "balanced"):
        goal = f"a small {task.goal.currency}" if task.goal.currency not in (None, "latency") else task.goal.aim
        return f"{what} shrink the flash alone, and the goal is {goal} ({OWN})"
    return None


def against(task: Task, graph: Graph) -> str | None:
    """Why the coded weights of a candidate's graph do not pay; None where they are predicted to pay."""
    plain = graph.changed(lambda node: {"packed": None})
    return no_decoder(task, "coded weights") or _pays_too_little(task, "coded weights", _saved(task, plain, graph))


def _pays_too_little(task: Task, what: str, saved: float) -> str | None:
    code = decoder_bytes()
    text = f"{what} are predicted to save {format_size(max(saved, 0))} of the file"
    if saved <= code:
        return f"{text}, and the code that decodes them takes {format_size(code)} ({OWN})"
    room = task.room("flash") if task.goal.aim == "balanced" else None
    if room is not None and saved - code < COUNTS * room:
        return f"{text}, less {format_size(code)} for the code that decodes them: below 1% of the {format_size(room)} of flash ({OWN})"
    return None


def saved_bytes(task: Task, clusters: int) -> float:
    """The bytes that packing so many clusters is predicted to save in the int8 file."""
    plain = integer(few_values(task.graph, clusters, left_out(task)))
    return _saved(task, plain, in_tables(plain))


def _saved(task: Task, plain: Graph, packed: Graph) -> float:
    return flash.predict(task.profile, plain).value - flash.predict(task.profile, packed).value


def few_values(graph: Graph, count: int, exclude: Sequence[str] = ()) -> Graph:
    """The graph with at most `count` distinct values in every operator that clustering works on."""
    return graph.changed(
        lambda node: {"distinct": min(node.distinct or count, count)} if is_worked_on(node, exclude) else {}
    )


def with_zeros(graph: Graph, share: float, exclude: Sequence[str] = ()) -> Graph:
    """The graph with at least this share of zeros in every operator that pruning works on."""
    return graph.changed(lambda node: {"zeros": max(node.zeros, share)} if is_worked_on(node, exclude) else {})


def in_tables(graph: Graph) -> Graph:
    """An integer graph with weights of few values in look-up tables, where those take less than one byte per weight."""

    def tables(node: Node) -> Packed | None:
        return _tables(node) if node.kind in CODED_KINDS and is_worked_on(node) else None

    return graph.changed(lambda node: {"packed": _gaining(node, tables(node))})


def coded(graph: Graph, least_macs: float = 0) -> Graph:
    """An integer graph with each kernel in what is predicted smallest: plain, tables, pruned or a Huffman code.

    Kernels whose weights take part in fewer than `least_macs` multiply-accumulates each stay plain.
    """

    def smallest(node: Node) -> dict[str, Packed | None]:
        if node.kind not in CODED_KINDS or not node.weights or node.macs < least_macs * node.weights:
            return {"packed": None}
        options = [one for one in (_tables(node), _pruned(node), _huffman(node)) if one is not None]
        best = min(options, key=lambda one: one.usual)
        low, high = min(one.low for one in options), min(one.high for one in options)
        return {"packed": _gaining(node, replace(best, low=low, high=high))}

    return graph.changed(smallest)


def sparse(graph: Graph) -> Graph:
    """An integer graph with each kernel in TFLite's sparse encoding that is predicted to get smaller by it."""
    return graph.changed(lambda node: {"packed": _gaining(node, _sparse(node) if node.kind in CODED_KINDS else None)})


def _sparse(node: Node) -> Packed | None:
    """packed = weights * (1 - zeros) * (a byte for the value, one or two for its place) + 1, 2 or 4 bytes for the end of each row

    A row runs along one dimension of the kernel: of its output channels, as is usual, or of the inputs of one. A dense layer without a bias stays
    plain: the convolution that would stand for it needs one.
    """
    if not node.weights or not node.channels or (node.kind == "Dense" and not node.biases):
        return None
    kept = node.weights * (1 - node.zeros)
    longest = max(node.channels, node.window)
    rows = (node.weights / longest, node.weights / node.channels, node.weights / min(node.channels, node.window or 1))
    is_wide = node.kind == "Dense" and min(node.channels, node.window) > MOST_IN_A_BYTE
    places, ends = (1, 1 + is_wide, 2), (1, 2, 4)
    low, usual, high = (
        math.ceil(kept * (WEIGHT_BYTES + places[end]) + ends[end] * (rows[end] + 1)) + SPARSE_GRAPH_BYTES[end]
        for end in range(3)
    )
    return Packed(kind="sparse", low=low, usual=usual, high=high)


def _gaining(node: Node, packed: Packed | None) -> Packed | None:
    """A coding, where it takes less than plain weights with the operators that it adds."""
    return packed if packed is not None and packed.usual + GRAPH_BYTES[1] < node.weights else None


def _tables(node: Node) -> Packed | None:
    """packed = weights * ceil(log2(values)) / 8 + channels * values + the head."""
    if node.distinct is None:
        return None
    bits = max(1, math.ceil(math.log2(node.distinct)))
    size = math.ceil(node.weights * bits / 8) + node.channels * node.distinct + HEAD_BYTES
    return Packed(kind="tables", low=size, usual=size, high=size)


def _pruned(node: Node) -> Packed | None:
    """packed = weights / 8 + weights * (1 - zeros) + the head."""
    size = math.ceil(node.weights / 8) + math.ceil(node.weights * (1 - node.zeros)) + HEAD_BYTES
    return Packed(kind="pruned", low=size, usual=size, high=size)


def _huffman(node: Node) -> Packed:
    """packed = weights * (bits that tell zeros from others + (1 - zeros) * bits of the others) / 8 + tables + the head."""
    low, usual, high = (
        math.ceil(node.weights * _huffman_bits(node, end) / 8)
        + math.ceil(VALUE_BYTES[end] * (node.distinct or MOST_VALUES))
        + HEAD_BYTES
        for end in range(3)
    )
    return Packed(kind="huffman", low=low, usual=usual, high=high)


def _huffman_bits(node: Node, end: int) -> float:
    """Bits of a weight: no word is shorter than one bit, which is what a zero takes where most weights are zero."""
    others = WEIGHT_BITS * DENSE_SHARE[end]
    if node.distinct is not None:
        others = min(others, CLUSTER_SHARE[end] * math.log2(max(node.distinct - (node.zeros > 0), 1)))
    first = 1.0 if node.zeros >= 0.5 else entropy(node.zeros)
    return max(1.0, first + (1 - node.zeros) * others)


def decoder_bytes() -> float:
    """The bytes that the code of TFLM_DECODE is predicted to take in the firmware."""
    alone, none = code_bytes([DECODE]), code_bytes([])
    assert alone is not None and none is not None
    return alone.value - none.value
