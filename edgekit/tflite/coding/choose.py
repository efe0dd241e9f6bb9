"""Which kernels of a file are coded, and how: for each the fewest bytes, with all that decoding it adds to the file.

    plain  |  tables  |  pruned  |  a Huffman code of its own  |  a Huffman code that several kernels share

A shared code is made of the values of all kernels that gain by it, and taken where it is smaller in all than the best
each of them has alone. Only bytes are weighed here; `least_macs` leaves out the kernels that take too long to decode.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from edgekit.tflite.coding.coded import Coded
from edgekit.tflite.coding.huffman import Codebook, codebook, counted, in_code
from edgekit.tflite.coding.insert import CONSTANT_BYTES, DECODER_BYTES
from edgekit.tflite.coding.lookup import in_tables
from edgekit.tflite.coding.pruned import without_zeros
from edgekit.tflite.model import Tensor, TfliteModel
from edgekit.tflite.weights import kernels
from edgekit.values import Value

if TYPE_CHECKING:
    import numpy as np

OPERATORS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
"""The operators whose kernels are coded: they read them anew in each inference."""
ROUNDS = 4
"""How often the members of a shared code are looked at again at most."""


class Site(Value):
    """A kernel that may be coded: its tensor, its values, how many operators read it, and how often each weight is used in an inference."""

    tensor: Tensor
    array: np.ndarray
    readers: int
    macs_per_weight: float

    @property
    def decoders_bytes(self) -> int:
        """What its decoders add to the file, without the ancillary constant."""
        return self.readers * DECODER_BYTES


class Best(Value):
    """The smallest form of a kernel alone: None where it stays plain, and its bytes with those of its decoders."""

    coded: Coded | None
    size_bytes: int


def coded_kernels(model: TfliteModel, *, least_macs: float = 0) -> dict[int, Coded]:
    """The kernels that get smaller, coded, by tensor number.

    `least_macs` is how many multiply-accumulates an inference makes with each weight of a kernel at least: kernels below
    it stay plain, as those of dense layers do above 1.
    """
    sites = [site for site in sites_of(model) if site.macs_per_weight >= least_macs]
    counts = {site.tensor.index: counted(site.array) for site in sites}
    best = {site.tensor.index: _alone(site, counts[site.tensor.index]) for site in sites}
    made = {index: one.coded for index, one in best.items() if one.coded is not None}
    shared = _shared(sites, counts, best)
    if shared is not None:
        code, members = shared
        made |= {site.tensor.index: in_code(site.array, code) for site in members}
    return dict(sorted(made.items()))


def sites_of(model: TfliteModel) -> Iterator[Site]:
    """The plain int8 kernels of the main graph whose bytes no other tensor has, and that are neither input nor output."""
    spans = Counter(tensor.span for tensor in model.tensors)
    ends = {*model.inputs, *model.outputs}
    for kernel in kernels(model):
        tensor = model.tensors[kernel.index]
        readers = [one for one in model.operators if kernel.index in one.inputs]
        fits = tensor.dtype == "int8" and not tensor.subgraph and tensor.coding is None and tensor.sparsity is None
        known = all(one.name in OPERATORS and not one.custom for one in readers)
        if fits and known and kernel.array.size and spans[tensor.span] == 1 and kernel.index not in ends:
            macs = sum(one.macs for one in readers)
            yield Site(
                tensor=tensor, array=kernel.array, readers=len(readers), macs_per_weight=macs / kernel.array.size
            )


def _alone(site: Site, counts: dict[int, int]) -> Best:
    """The smallest form with constants of its own; the first of equal ones."""
    options = [*_by_channel(site), in_code(site.array, codebook(counts))]
    plain = Best(coded=None, size_bytes=site.array.size)
    beside = site.decoders_bytes + CONSTANT_BYTES
    return min([plain, *(Best(coded=one, size_bytes=one.size_bytes + beside) for one in options)], key=_size)


def _size(best: Best) -> int:
    return best.size_bytes


def _by_channel(site: Site) -> Iterator[Coded]:
    """The codings that go by the scales of the tensor: their decoders take scales along the first or the last axis, or one."""
    tensor, array = site.tensor, site.array
    several = len(tensor.scales) > 1
    if tensor.quantized_dimension not in ((0, array.ndim - 1) if several else (0,)):
        return
    tables = in_tables(array, tensor.quantized_dimension if several else None)
    if tables is not None:
        yield tables
    if tensor.scales and len(set(tensor.zero_points)) == 1:
        yield without_zeros(array, tensor.zero_points[0])


def _shared(
    sites: list[Site], counts: dict[int, dict[int, int]], best: dict[int, Best]
) -> tuple[Codebook, list[Site]] | None:
    """A code for several kernels, and these; None where it saves nothing."""
    members = sites
    for _ in range(ROUNDS):
        if len(members) < 2:
            return None
        code, before = _code_of(members, counts), members
        members = [site for site in members if _in_shared(site, code, counts) < _size(best[site.tensor.index])]
        if members == before:
            break
    if len(members) < 2:
        return None
    code = _code_of(members, counts)
    together = len(code.ancillary) + CONSTANT_BYTES + sum(_in_shared(site, code, counts) for site in members)
    return (code, members) if together < sum(_size(best[site.tensor.index]) for site in members) else None


def _code_of(sites: list[Site], counts: dict[int, dict[int, int]]) -> Codebook:
    pooled: Counter[int] = Counter()
    for site in sites:
        pooled.update(counts[site.tensor.index])
    return codebook(pooled)


def _in_shared(site: Site, code: Codebook, counts: dict[int, dict[int, int]]) -> int:
    return code.stream_bytes(counts[site.tensor.index]) + site.decoders_bytes
