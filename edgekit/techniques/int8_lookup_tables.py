"""int8 with its clustered weights stored as indices into look-up tables, which tflite-micro decodes as it runs.

A clustered kernel has few distinct values in each channel: 16 of them need 4 bits per weight and a table of 16 bytes per channel.
`tflite_micro.compression` packs them and puts a TFLM_DECODE before each operator that uses them
(tensorflow/lite/micro/docs/compression.md). The flash shrinks and nothing is rounded; the arena grows by the largest
kernel that is decoded, and decoding takes time in each inference. Where scales are per channel, the tables must be too.
No other runtime reads such files.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgekit.cost.graph import Graph
from edgekit.devices.profile import DeviceProfile
from edgekit.documents.candidate import Declined
from edgekit.techniques.integer import IntegerConversion, Settings, integer, whole_integer
from edgekit.techniques.interface import Evidence, Task
from edgekit.techniques.packable import CODED_KINDS, Added, none_packable
from edgekit.techniques.packing import cannot_decode, in_tables, why_not
from edgekit.techniques.sites import no_site
from edgekit.tflite.coding.choose import OPERATORS
from edgekit.tflite.coding.header import HEAD_BYTES
from edgekit.tflite.coding.lookup import MOST_VALUES, Lookup
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.reader import parse_tflite
from edgekit.tflite.weights import Kernel, distinct_values, kernels

# What a table adds to the file besides its bytes: two tensors, their names and buffers, an operator.
GRAPH_BYTES = 400
ADDED = Added(once=HEAD_BYTES + GRAPH_BYTES, reader=0, bits=1)
"""Two values take a bit; readers share what is written out."""


class Int8LookupTables(IntegerConversion):
    """int8 with the kernels that have few distinct values in look-up tables."""

    name = "int8_lookup_tables"
    packs = "int8"

    def propose(self, task: Task) -> Sequence[Settings] | Declined:
        """On a microcontroller with tflite-micro, where flash counts and packing saves more than the decoder's code takes."""
        reason = why_not(task)
        if reason is not None:
            return self.declined(reason)
        if task.no_training is not None and task.graph.distinct is None:
            return self.declined(f"it packs clustered weights, and {task.no_training}")
        reason = no_site(task)
        return self.declined(f"it packs clustered weights: {reason}") if reason is not None else (self.defaults(task),)

    def unsupported(self, profile: DeviceProfile) -> str | None:
        """A device runs none of its files where nothing decodes weights."""
        return cannot_decode(profile, "look-up tables")

    def requires(self, graph: Graph, settings: Settings) -> str | None:
        """It requires a kernel that could get smaller: not those of a fused recurrent layer, nor small ones."""
        return none_packable(graph, ADDED)

    def awaits(self, graph: Graph, settings: Settings) -> str | None:
        """Operators whose weights have few distinct values."""
        if any(node.distinct is not None and node.kind in CODED_KINDS for node in graph.nodes):
            return None
        return "no convolution or dense layer is known to have weights of few distinct values"

    def effect(self, graph: Graph, settings: Settings) -> Graph:
        """As int8, with every kernel that gets smaller in look-up tables."""
        return in_tables(integer(graph))

    def finish(self, door: Any, content: bytes, settings: Settings) -> bytes:
        """Pack every kernel that gets smaller; where none does, the file stays as it is."""
        model = parse_tflite(content, where="the converted model")
        wanted = [(kernel, _bits(model, kernel)) for kernel in kernels(model) if _saves(model, kernel)]
        if not wanted:
            return content
        packing = door.packing
        specs = packing.SpecBuilder()
        for kernel, bits in wanted:
            tensor = model.tensors[kernel.index]
            mode = packing.spec.PerChannel(kernel.channel_axis) if len(tensor.scales) > 1 else packing.spec.PerTensor()
            specs = specs.add_tensor(subgraph=0, tensor=kernel.index).with_lut(index_bitwidth=bits, mode=mode)
        return bytes(packing.compress(content, specs.build()))

    def against(self, task: Task, graph: Graph) -> str | None:
        """Why tables for the graph's few values do not pay; None where they are predicted to pay."""
        return None if graph.distinct is None else why_not(task, graph.distinct)

    def ensures(self, tflite: TfliteModel, settings: Settings) -> Evidence:
        """Holds where the file is int8 throughout and at least one kernel is in look-up tables."""
        whole, whole_detail = whole_integer(tflite)
        found = kernels(tflite)
        tensors = [tflite.tensors[kernel.index] for kernel in found]
        packed = [(one, one.coding) for one in tensors if isinstance(one.coding, Lookup)]
        bits = sorted({lookup.bits for _, lookup in packed})
        stored = sum(tensor.span[1] + len(lookup.tables) for tensor, lookup in packed if tensor.span)
        detail = f"{len(packed)} of {len(found)} kernels are in look-up tables"
        if packed:
            plain = sum(tensor.size_bytes for tensor, _ in packed)
            detail += f" with {' or '.join(map(str, bits))} bits an index: {stored} B in place of {plain} B"
        return Evidence(technique=self.name, holds=whole and bool(packed), detail=f"{detail}; {whole_detail}")


def _values(model: TfliteModel, kernel: Kernel) -> int:
    """The most distinct values that one table must hold."""
    by_channel = len(model.tensors[kernel.index].scales) > 1
    return distinct_values(kernel.array, kernel.channel_axis if by_channel else None)


def _bits(model: TfliteModel, kernel: Kernel) -> int:
    return max(1, (_values(model, kernel) - 1).bit_length())


def _saves(model: TfliteModel, kernel: Kernel) -> bool:
    """Whether it is an int8 kernel of the main graph that takes less room packed, of an operator that reads its kernel in each inference."""
    tensor = model.tensors[kernel.index]
    if kernel.operator.name not in OPERATORS:
        return False
    by_channel = len(tensor.scales) > 1
    if tensor.dtype != "int8" or tensor.subgraph or tensor.coding is not None or not kernel.array.size:
        return False
    if by_channel and kernel.channel_axis not in (0, kernel.array.ndim - 1):
        return False
    values = _values(model, kernel)
    tables = values * (kernel.array.shape[kernel.channel_axis] if by_channel else 1)
    packed = -(-kernel.array.size * _bits(model, kernel) // 8)
    return values <= MOST_VALUES and packed + tables + HEAD_BYTES + GRAPH_BYTES < kernel.array.size
