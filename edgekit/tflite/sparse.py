"""TFLite's sparse encoding of a constant tensor: its description as a value, and the dense array it stands for.

The encoding (schema.fbs, `SparsityParameters`; after TACO, arXiv 1804.10112) visits the dimensions, and the blocks
that some of them are cut into, in a traversal order; each is dense, or lists the coordinates that hold values.
"""

from __future__ import annotations

from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING

from edgekit.tflite.flatbuffer import Table
from edgekit.tflite.schema import DimensionField, SparsityField, VectorField
from edgekit.values import Value

if TYPE_CHECKING:
    import numpy as np

MAX_DENSE_ELEMENTS = 2**27
_CSR = 1
_INDEX_LETTERS = {1: "i", 2: "H", 3: "B"}  # the union SparseIndexVector
_INDEX_BYTES = {1: 4, 2: 2, 3: 1}


class Dimension(Value):
    """One step of the traversal: `size` coordinates if it is dense, else the `indices` of each parent, delimited by `segments`."""

    size: int
    segments: tuple[int, ...] | None = None
    indices: tuple[int, ...] = ()


class Sparsity(Value):
    """Where the stored values are in the dense tensor; `order` counts blocks after the tensor's own dimensions.

    `places_bytes` is what the lists of places take in the file.
    """

    order: tuple[int, ...]
    blocks: tuple[int, ...]
    dimensions: tuple[Dimension, ...]
    places_bytes: int


def index_bytes(numbers: tuple[int, ...]) -> int:
    """The width of the narrowest vector of places that holds some numbers: 1, 2 or 4 bytes.

    >>> index_bytes((0, 255)), index_bytes((0, 256)), index_bytes((0, 65536))
    (1, 2, 4)
    """
    most = max(numbers, default=0)
    return 1 if most < 2**8 else 2 if most < 2**16 else 4


def read_sparsity(table: Table, rank: int) -> Sparsity:
    """The description in a file; raises `ModelError` if it contradicts itself."""
    order = table.numbers(SparsityField.TRAVERSAL_ORDER, "i")
    blocks = table.numbers(SparsityField.BLOCK_MAP, "i")
    tables = table.tables(SparsityField.DIM_METADATA)
    dimensions = tuple(_read_dimension(item) for item in tables)
    if sorted(order) != list(range(rank + len(blocks))) or len(dimensions) != len(order):
        raise table.damaged(SparsityField.TRAVERSAL_ORDER, f"order of {len(order)} for {len(dimensions)} dimensions")
    if any(not 0 <= dimension < rank for dimension in blocks) or len(set(blocks)) != len(blocks):
        raise table.damaged(SparsityField.BLOCK_MAP, f"blocks of dimensions {blocks}")
    size = sum(_places_bytes(item, dimension) for item, dimension in zip(tables, dimensions, strict=True))
    return Sparsity(order=order, blocks=blocks, dimensions=dimensions, places_bytes=size)


def _read_dimension(table: Table) -> Dimension:
    if table.number(DimensionField.FORMAT, "<b") != _CSR:
        size = table.number(DimensionField.DENSE_SIZE, "<i")
        if size < 0:
            raise table.damaged(DimensionField.DENSE_SIZE, f"size {size}")
        return Dimension(size=size)
    segments = _read_vector(table, DimensionField.ARRAY_SEGMENTS_TYPE, DimensionField.ARRAY_SEGMENTS)
    indices = _read_vector(table, DimensionField.ARRAY_INDICES_TYPE, DimensionField.ARRAY_INDICES)
    rising = all(a <= b for a, b in pairwise(segments))
    if not segments or segments[0] != 0 or not rising or segments[-1] != len(indices):
        raise table.damaged(DimensionField.ARRAY_SEGMENTS, f"segments that do not cut {len(indices)} indices")
    return Dimension(size=0, segments=segments, indices=indices)


def _places_bytes(table: Table, dimension: Dimension) -> int:
    """Bytes of the two vectors of a dimension that lists places."""
    kinds = (DimensionField.ARRAY_SEGMENTS_TYPE, DimensionField.ARRAY_INDICES_TYPE)
    lengths = (len(dimension.segments or ()), len(dimension.indices))
    pairs = zip(kinds, lengths, strict=True)
    return sum(_INDEX_BYTES.get(table.number(kind, "<B"), 0) * length for kind, length in pairs if length)


def _read_vector(table: Table, kind: DimensionField, field: DimensionField) -> tuple[int, ...]:
    letter = _INDEX_LETTERS.get(table.number(kind, "<B"))
    vector = table.table(field)
    if letter is None or vector is None:
        raise table.damaged(kind, "no vector of a known type")
    return vector.numbers(VectorField.VALUES, letter)


def to_dense(values: np.ndarray, sparsity: Sparsity, shape: tuple[int, ...]) -> np.ndarray | None:
    """The dense array of `shape` that sparse `values` stand for; None if values, description and shape do not fit together."""
    import numpy as np

    places = _places(sparsity, len(values)) if prod(shape) <= MAX_DENSE_ELEMENTS else None
    if places is None:
        return None
    coordinates = [np.zeros(len(values), np.int64) for _ in shape]
    for step, dimension in enumerate(sparsity.order):
        own = dimension if dimension < len(shape) else sparsity.blocks[dimension - len(shape)]
        times = 1 if dimension >= len(shape) else _block_size(sparsity, own, len(shape))
        coordinates[own] += places[step] * times
    if any((at < 0).any() or (at >= size).any() for at, size in zip(coordinates, shape, strict=True)):
        return None
    dense = np.zeros(shape, values.dtype)
    dense[tuple(coordinates)] = values
    return dense


def _block_size(sparsity: Sparsity, dimension: int, rank: int) -> int:
    """How many elements of a dimension one block holds; blocks are dense."""
    if dimension not in sparsity.blocks:
        return 1
    return sparsity.dimensions[sparsity.order.index(rank + sparsity.blocks.index(dimension))].size


def _places(sparsity: Sparsity, count: int) -> list[np.ndarray] | None:
    """For each step of the traversal the coordinate of every stored value; None if there are not `count` values."""
    import numpy as np

    nodes = 1
    most = max([count, *(len(step.segments) for step in sparsity.dimensions if step.segments is not None)])
    places: list[np.ndarray] = []
    for dimension in sparsity.dimensions:
        if dimension.segments is None:
            if nodes * dimension.size > most:  # no later step can have room for so many
                return None
            children = np.full(nodes, dimension.size)
            here = np.tile(np.arange(dimension.size), nodes)
        else:
            if len(dimension.segments) != nodes + 1:
                return None
            children = np.diff(np.array(dimension.segments, np.int64))
            here = np.array(dimension.indices, np.int64)
        places = [np.repeat(place, children) for place in places] + [here]
        nodes = len(here)
    return places if nodes == count else None
