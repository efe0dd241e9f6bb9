"""int8 with each kernel stored in the fewest bytes that tflite-micro decodes: plain, in tables, pruned, or in a Huffman code.

Zeros take a bit, frequent values few bits, and nothing is rounded: the outputs are those of the file before packing to the bit. Each
kernel is coded where that pays after all that decoding adds to the file; several may share a code. The encoders are
edgekit's own (`tflite/coding`). The arena grows by the largest kernel that is decoded, and decoding takes time in each inference: little
where a weight is used often, as in a convolution, and more than the layer itself in a dense one. No other runtime reads
such files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any

from msgspec import Meta
from msgspec.structs import replace

from edgekit.cost.graph import Graph
from edgekit.devices.profile import DeviceProfile
from edgekit.documents.candidate import Declined
from edgekit.techniques.integer import IntegerConversion, integer, whole_integer
from edgekit.techniques.integer import Settings as IntegerSettings
from edgekit.techniques.interface import Evidence, Task
from edgekit.techniques.packable import CODED_KINDS, Added, none_packable
from edgekit.techniques.packing import against, cannot_decode, coded, why_not_coded
from edgekit.tflite.coding.choose import coded_kernels
from edgekit.tflite.coding.header import HEAD_BYTES
from edgekit.tflite.coding.insert import CONSTANT_BYTES, DECODER_BYTES, with_decoders
from edgekit.tflite.coding.kinds import NAMES, Coding
from edgekit.tflite.coding.pruned import Pruned
from edgekit.tflite.model import Tensor, TfliteModel
from edgekit.tflite.reader import parse_tflite
from edgekit.tflite.weights import kernels

MOST_ZEROS = 0.98
"""The share of zeros with which coding is judged where training may make some: the most that is ever tried."""
REUSED = 16
"""Multiply-accumulates a weight from which on decoding it takes less time than using it, at the usual estimate for a Huffman code."""
MOST_MACS = 10**9
"""No network has a weight that is used so often: a bound that a file can hold."""
ADDED = Added(once=CONSTANT_BYTES + HEAD_BYTES, reader=DECODER_BYTES, bits=1)
"""The shortest word of a code is a bit; kernels may share one."""
WORDS = {"tables": "in tables", "pruned": "pruned", "huffman": "in a Huffman code"}


class Settings(IntegerSettings):
    """`least_macs` is how many multiply-accumulates an inference makes with each weight of a kernel that is coded; others stay plain."""

    least_macs: Annotated[int, Meta(ge=0, le=MOST_MACS)] = 0


class Int8Coded(IntegerConversion):
    """int8 with each kernel in the smallest coding."""

    name = "int8_coded"
    packs = "int8"
    settings_type = Settings

    def propose(self, task: Task) -> Sequence[Settings] | Declined:
        """On a microcontroller with tflite-micro, where flash counts and coding saves more than the decoder's code takes.

        Where time counts too and some kernels are used too little to be decoded in no time, also without these.
        """
        zeros = MOST_ZEROS if task.trains else 0.0
        reason = why_not_coded(task, zeros)
        if reason is not None:
            return self.declined(reason)
        every = self.defaults(task)
        lighter = (
            _some_little_used(task.graph) and task.counts("latency") and why_not_coded(task, zeros, REUSED) is None
        )
        return (*((replace(every, least_macs=REUSED),) if lighter else ()), every)

    def label(self, settings: Settings) -> str:
        """Its part of a candidate's name."""
        return self.name + (f"_from_{settings.least_macs}_macs" if settings.least_macs else "")

    def unsupported(self, profile: DeviceProfile) -> str | None:
        """A device runs none of its files where nothing decodes weights."""
        return cannot_decode(profile, "coded weights")

    def requires(self, graph: Graph, settings: Settings) -> str | None:
        """It requires a kernel that could get smaller and whose weights are used often enough: of a convolution or dense layer, or one that few steps of a loop read."""
        return none_packable(graph, ADDED, settings.least_macs)

    def effect(self, graph: Graph, settings: Settings) -> Graph:
        """As int8, with every kernel that gets smaller in its smallest coding."""
        return coded(integer(graph), settings.least_macs)

    def against(self, task: Task, graph: Graph) -> str | None:
        """Why the graph's weights are not worth coding; None where that is predicted to pay."""
        return against(task, graph)

    def finish(self, door: Any, content: bytes, settings: Settings) -> bytes:
        """Code every kernel that gets smaller; where none does, the file stays as it is."""
        where = "the converted model"
        found = coded_kernels(parse_tflite(content, where=where), least_macs=settings.least_macs)
        return with_decoders(content, found, where=where) or content

    def ensures(self, tflite: TfliteModel, settings: Settings) -> Evidence:
        """Holds where the file is int8 throughout and at least one kernel is coded."""
        whole, whole_detail = whole_integer(tflite)
        found = kernels(tflite)
        tensors = [(one, one.coding) for kernel in found if (one := tflite.tensors[kernel.index]).coding is not None]
        pairs = [(tensor, coding) for tensor, coding in tensors if coding is not None]
        detail = f"{len(pairs)} of {len(found)} kernels are coded"
        if pairs:
            kinds = Counter(WORDS[NAMES[type(coding)]] for _, coding in pairs)
            plain = sum(tensor.size_bytes for tensor, _ in pairs)
            told = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
            detail += f" ({told}): {_stored(pairs)} B in place of {plain} B"
        return Evidence(technique=self.name, holds=whole and bool(pairs), detail=f"{detail}; {whole_detail}")


def _stored(pairs: Sequence[tuple[Tensor, Coding]]) -> int:
    """Bytes of the streams, and of values and tables; a code that several kernels share counts once."""
    streams = sum(tensor.span[1] for tensor, _ in pairs if tensor.span)
    beside = {coding: len(coding.values if isinstance(coding, Pruned) else coding.tables) for _, coding in pairs}
    return streams + sum(beside.values())


def _some_little_used(graph: Graph) -> bool:
    """Whether the kernels that could be coded are of both kinds: used often, and little."""
    often = {node.macs >= REUSED * node.weights for node in graph.nodes if node.kind in CODED_KINDS and node.weights}
    return len(often) > 1
