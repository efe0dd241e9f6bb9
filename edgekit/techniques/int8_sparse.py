"""int8 with each kernel that has many zeros in TFLite's sparse encoding, which LiteRT expands once when it loads the model.

Of such a kernel the file holds the values that are not zero, and for each its place: two bytes where a plain weight takes one, so it
pays from somewhat more than half zeros on. Nothing is rounded: the outputs are those of the file before to the bit, and the time of
an inference is the same. The memory grows by the kernels that are written out, which a plain file only maps. The encoder is edgekit's own
(`tflite/densify`): that of the converter writes dense layers whose answers are wrong, or that LiteRT refuses.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgekit.cost.graph import Graph
from edgekit.devices.profile import DeviceProfile
from edgekit.documents.candidate import Declined
from edgekit.documents.facts import RECURRENT
from edgekit.techniques.integer import IntegerConversion, Settings, integer, whole_integer
from edgekit.techniques.interface import Evidence, Task
from edgekit.techniques.packable import Added, none_packable
from edgekit.techniques.packing import against_sparse, cannot_expand, sparse, why_not_sparse
from edgekit.tflite.densify import GRAPH_BYTES, RESHAPES_BYTES, with_sparse_kernels
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.weights import kernels

MOST_ZEROS = 0.98
"""The share of zeros with which the encoding is judged where training may make some: the most that is ever tried."""

ADDED = Added(once=GRAPH_BYTES, reader=RESHAPES_BYTES, bits=0, readers_of=("Dense", *RECURRENT))
"""A convolution reads what is written out as it is; what reads a matrix becomes a convolution."""


class Int8Sparse(IntegerConversion):
    """int8 with sparse kernels."""

    name = "int8_sparse"
    packs = "int8"

    def propose(self, task: Task) -> Sequence[Settings] | Declined:
        """Where LiteRT runs the model on a processor, flash counts, and training may make zeros enough to save a hundredth."""
        reason = why_not_sparse(task, MOST_ZEROS if task.trains else 0.0)
        return self.declined(reason) if reason is not None else (self.defaults(task),)

    def unsupported(self, profile: DeviceProfile) -> str | None:
        """A device runs none of its files where nothing expands sparse kernels."""
        return cannot_expand(profile) or super().unsupported(profile)

    def requires(self, graph: Graph, settings: Settings) -> str | None:
        """It requires a kernel that could get smaller: of a convolution or dense layer, or one that few steps of a loop read."""
        return none_packable(graph, ADDED)

    def awaits(self, graph: Graph, settings: Settings) -> str | None:
        """A kernel with zeros enough."""
        if any(node.packed is not None for node in sparse(integer(graph)).nodes):
            return None
        return "no kernel is known to have so many zeros that it gets smaller: each other weight takes two bytes"

    def effect(self, graph: Graph, settings: Settings) -> Graph:
        """As int8, with every kernel that gets smaller in the sparse encoding."""
        return sparse(integer(graph))

    def against(self, task: Task, graph: Graph) -> str | None:
        """Why the graph's zeros are not worth encoding; None where that is predicted to pay."""
        return against_sparse(task, graph)

    def finish(self, door: Any, content: bytes, settings: Settings) -> bytes:
        """Encode every kernel that gets smaller; where none does, the file stays as it is."""
        return with_sparse_kernels(content, where="the converted model") or content

    def ensures(self, tflite: TfliteModel, settings: Settings) -> Evidence:
        """Holds where the file is int8 throughout and at least one kernel is sparse."""
        whole, whole_detail = whole_integer(tflite)
        found = kernels(tflite)
        encoded = [tensor for kernel in found if (tensor := tflite.tensors[kernel.index]).sparsity is not None]
        detail = f"{len(encoded)} of {len(found)} kernels are sparse"
        if encoded:
            stored = sum(tensor.stored_bytes for tensor in encoded)
            detail += f": {stored} B of values and places in place of {sum(tensor.size_bytes for tensor in encoded)} B"
        return Evidence(technique=self.name, holds=whole and bool(encoded), detail=f"{detail}; {whole_detail}")
