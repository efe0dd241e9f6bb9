"""What packing clustered weights into look-up tables costs, and whether it pays on a device.

Both the technique that clusters and the conversion that packs ask here. The file shrinks, but the firmware gains the
code that decodes it: where that code takes more flash than the file saves, packing does not pay. Both sizes are
predictions; a chain that the project defines itself is tried all the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from edgekit.cost import flash
from edgekit.cost.graph import Graph, Node
from edgekit.cost.kernels_flash import code_bytes
from edgekit.cost.tables import GRAPH_BYTES
from edgekit.techniques.integer import integer
from edgekit.techniques.interface import COUNTS, Task
from edgekit.techniques.sites import is_worked_on, left_out
from edgekit.tflite.coding.header import DECODE, HEAD_BYTES
from edgekit.units import format_size

CLUSTERS = (32, 16, 8, 4, 2)
"""The numbers of clusters that are tried unless the project says otherwise, from the lightest to the strongest."""


def why_not(task: Task, clusters: int = CLUSTERS[-1]) -> str | None:
    """Why look-up tables of `clusters` values do not pay; None where they are predicted to pay.

    The default is the fewest clusters, which save the most: where they do not pay, none do.
    """
    profile, own = task.profile, "a chain of the project's own asks for them"
    if profile.runtime.kind != "tflite_micro":
        return f"only tflite-micro decodes weights from look-up tables, and {profile.name} has {profile.runtime.kind}"
    if profile.kind != "microcontroller":
        return f"the compiler of the NPU of {profile.name} reads no look-up tables of weights"
    if profile.numerics.int8 == "absent":
        return f"{profile.name} has no int8 arithmetic"
    if task.goal.aim not in ("smallest", "balanced"):
        goal = f"a small {task.goal.currency}" if task.goal.currency not in (None, "latency") else task.goal.aim
        return f"look-up tables shrink the flash alone, and the goal is {goal} ({own})"
    return _pays_too_little(task, clusters, own)


def _pays_too_little(task: Task, clusters: int, own: str) -> str | None:
    saved, code = saved_bytes(task, clusters), decoder_bytes()
    what = f"look-up tables of {clusters} clusters are predicted to save {format_size(max(saved, 0))} of the file"
    if saved <= code:
        return f"{what}, and the code that decodes them takes {format_size(code)} ({own})"
    room = task.room("flash") if task.goal.aim == "balanced" else None
    if room is not None and saved - code < COUNTS * room:
        return f"{what}, less {format_size(code)} for the code that decodes them: below 1% of the {format_size(room)} of flash ({own})"
    return None


def saved_bytes(task: Task, clusters: int) -> float:
    """The bytes that packing so many clusters is predicted to save in the int8 file."""
    plain = integer(few_values(task.graph, clusters, left_out(task)))
    return flash.predict(task.profile, plain).value - flash.predict(task.profile, in_tables(plain)).value


def few_values(graph: Graph, count: int, exclude: Sequence[str] = ()) -> Graph:
    """The graph with at most `count` distinct values in every operator that clustering works on."""
    return graph.changed(
        lambda node: {"distinct": min(node.distinct or count, count)} if is_worked_on(node, exclude) else {}
    )


def in_tables(graph: Graph) -> Graph:
    """An integer graph with weights of few values in look-up tables, where those take less than one byte per weight.

    packed = weights * ceil(log2(values)) / 8 + channels * values + the metadata
    """
    return graph.changed(lambda node: {"table_bytes": _table_bytes(node)})


def _table_bytes(node: Node) -> int | None:
    """Bytes of an operator's weights in tables, without the operators that this adds; None where the weights are not packed."""
    if node.distinct is None or not is_worked_on(node):
        return None
    bits = max(1, math.ceil(math.log2(node.distinct)))
    size = math.ceil(node.weights * bits / 8) + node.channels * node.distinct + HEAD_BYTES
    return size if size + GRAPH_BYTES[1] < node.weights else None


def decoder_bytes() -> float:
    """The bytes that the code of TFLM_DECODE is predicted to take in the firmware."""
    alone, none = code_bytes([DECODE]), code_bytes([])
    assert alone is not None and none is not None
    return alone.value - none.value
