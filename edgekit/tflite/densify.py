"""A file whose kernels are in the sparse encoding where that is smaller: each is written out by a DENSIFY before what reads it.

LiteRT expands such a constant once, when the model is loaded or first run. The encoded tensor keeps its number, name and scales; those
who read it read what DENSIFY writes. Pure: bytes in, bytes out.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Mapping
from typing import Any

from edgekit.tflite.dense_as_convolution import as_convolutions, takes
from edgekit.tflite.diet.unused import NO_BUFFER, without_unused
from edgekit.tflite.flat.kinds import schema
from edgekit.tflite.flat.tree import Table, read_tree, table
from edgekit.tflite.flat.write import write_tree
from edgekit.tflite.model import Tensor, TfliteModel
from edgekit.tflite.reader import parse_tflite
from edgekit.tflite.schema import BUILTIN_OPERATORS
from edgekit.tflite.sparse import Dimension, Sparsity, index_bytes
from edgekit.tflite.sparsify import Sparse, smallest
from edgekit.tflite.weights import Kernel, kernels

DENSIFY, DENSE = "DENSIFY", "FULLY_CONNECTED"
DTYPES = ("float32", "float16", "int8")
"""The types that LiteRT's DENSIFY expands (tensorflow/lite/kernels/densify.cc)."""
OPERATORS = ("CONV_2D", "DEPTHWISE_CONV_2D", DENSE)
"""The operators that read their kernel where a DENSIFY, with a DEQUANTIZE or without, wrote it."""
GRAPH_BYTES, RESHAPES_BYTES = 260, 200
"""What an encoded kernel takes in the file besides values and places (an operator, a tensor, the description of its dimensions), and what
the shapes around a dense layer do that becomes a convolution. Measured after the diet."""
_VECTORS = {4: (1, "Int32Vector", "i"), 2: (2, "Uint16Vector", "H"), 1: (3, "Uint8Vector", "B")}
_CSR = 1


def with_sparse_kernels(content: bytes, *, where: str) -> bytes | None:
    """The file with each kernel of its main graph in the sparse encoding that gets smaller by it; None where none does.

    Dense layers whose int8 kernel is encoded become convolutions, which compute the same. None too where the file has what the schema
    does not have, and so cannot be written again. Raises `ModelError` where it is no consistent `.tflite` file.
    """
    tree = read_tree(content, where)
    if tree.strangers:
        return None
    graphs, codes = tree.root.tables("subgraphs"), [*tree.root.tables("operator_codes")]
    encoded, reshaped = _chosen(parse_tflite(content, where=where), graphs[0])
    if not encoded:
        return None
    main = as_convolutions(graphs[0], reshaped, codes)
    number = BUILTIN_OPERATORS.index(DENSIFY)
    codes.append(table("OperatorCode", deprecated_builtin_code=number, builtin_code=number, version=1))
    buffers = [*tree.root.tables("buffers")]
    main = _expanding(main, encoded, buffers, len(codes) - 1)
    root = tree.root.with_fields(subgraphs=(main, *graphs[1:]), operator_codes=tuple(codes), buffers=tuple(buffers))
    return write_tree(without_unused(root))


def _chosen(model: TfliteModel, graph: Table) -> tuple[dict[int, Sparse], set[int]]:
    """The kernels that get smaller, encoded, by tensor number; and the places of the dense layers that must be convolutions for it."""
    spans = Counter(tensor.span for tensor in model.tensors)
    ends = {*model.inputs, *model.outputs}
    encoded: dict[int, Sparse] = {}
    reshaped: set[int] = set()
    for kernel in kernels(model):
        tensor = model.tensors[kernel.index]
        if spans[tensor.span] != 1 or tensor.index in ends or not _may_be(kernel, tensor):
            continue
        is_dense = kernel.dtype == "int8" and kernel.operator.name == DENSE
        places = _readers(graph, tensor.index) if is_dense else set()
        if not all(_is_dense(model, place) and takes(graph.tables("operators")[place], graph) for place in places):
            continue
        array = kernel.array[:, None, None] if is_dense else kernel.array
        found, added = smallest(array), GRAPH_BYTES + RESHAPES_BYTES * len(places)
        if found is not None and found.values.size and found.size_bytes + added < tensor.size_bytes:
            encoded[tensor.index] = found
            reshaped |= places
    return encoded, reshaped


def _may_be(kernel: Kernel, tensor: Tensor) -> bool:
    """Whether it is a plain constant of the main graph whose stored zeros stand for 0.0, and its operator reads what DENSIFY writes."""
    is_encoded = tensor.sparsity is not None or tensor.coding is not None
    is_plain = tensor.dtype in DTYPES and not tensor.subgraph and not is_encoded and not any(tensor.zero_points)
    return is_plain and kernel.operator.name in OPERATORS


def _readers(graph: Table, index: int) -> set[int]:
    return {place for place, one in enumerate(graph.tables("operators")) if index in one.numbers("inputs")}


def _is_dense(model: TfliteModel, place: int) -> bool:
    return model.operators[place].name == DENSE and not model.operators[place].custom


def _expanding(graph: Table, encoded: Mapping[int, Sparse], buffers: list[Table], opcode: int) -> Table:
    """The graph with a DENSIFY for each encoded constant at its beginning; `buffers` grows."""
    tensors = [*graph.tables("tensors")]
    dense: dict[int, int] = {}
    for index, sparse in encoded.items():
        dense[index] = len(tensors)
        tensors.append(tensors[index].with_fields(buffer=NO_BUFFER))
        buffers.append(table("Buffer", data=sparse.values.tobytes()))
        tensors[index] = tensors[index].with_fields(buffer=len(buffers) - 1, sparsity=_described(sparse.sparsity))
    kind = schema().unions["BuiltinOptions"].index("DensifyOptions")
    options = {"builtin_options_type": kind, "builtin_options": table("DensifyOptions")}
    expanding = [
        table("Operator", opcode_index=opcode, inputs=(index,), outputs=(made,), **options)
        for index, made in dense.items()
    ]
    reading = [
        operator.with_fields(inputs=tuple(dense.get(index, index) for index in operator.numbers("inputs")))
        for operator in graph.tables("operators")
    ]
    return graph.with_fields(tensors=tuple(tensors), operators=(*expanding, *reading))


def _described(sparsity: Sparsity) -> Table:
    return table(
        "SparsityParameters",
        traversal_order=sparsity.order,
        block_map=sparsity.blocks or None,
        dim_metadata=tuple(_dimension(one) for one in sparsity.dimensions),
    )


def _dimension(dimension: Dimension) -> Table:
    if dimension.segments is None:
        return table("DimensionMetadata", dense_size=dimension.size)
    return table(
        "DimensionMetadata",
        format=_CSR,
        **_vector("array_segments", dimension.segments),
        **_vector("array_indices", dimension.indices),
    )


def _vector(field: str, numbers: tuple[int, ...]) -> dict[str, Any]:
    """A list of places as its narrowest vector."""
    number, kind, letter = _VECTORS[index_bytes(numbers)]
    values = struct.pack(f"<{len(numbers)}{letter}", *numbers)
    return {f"{field}_type": number, field: table(kind, values=values)}
