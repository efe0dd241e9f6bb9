"""Reads a `.tflite` file into a `TfliteModel`: its content, checked, without an interpreter and without numpy.

The file is not trusted: whatever its bytes are, it is read in bounded time and memory or refused with a
`ModelError`. It knows the schema, and of operators only their shapes.
"""

from __future__ import annotations

from math import prod
from pathlib import Path

import msgspec

from edgekit import first_bytes
from edgekit.errors import ModelError
from edgekit.tflite import macs
from edgekit.tflite.coding.header import DECODE
from edgekit.tflite.coding.kinds import declared, read_coding
from edgekit.tflite.content import external, read_content, require_mark, require_mark_of
from edgekit.tflite.flatbuffer import FlatBuffer, Table
from edgekit.tflite.layers_beside import layers_beside
from edgekit.tflite.loops import read_subgraph, runs
from edgekit.tflite.model import ABSENT, Operator, Signature, Tensor, TfliteModel
from edgekit.tflite.schema import (
    BITS,
    BUILTIN_OPERATORS,
    CUSTOM_CODE,
    PLACEHOLDER_CODE,
    SCHEMA_VERSION,
    TENSOR_TYPES,
    BatchMatMulField,
    BufferField,
    ModelField,
    OperatorCodeField,
    OperatorField,
    QuantizationField,
    SignatureField,
    SubGraphField,
    TensorField,
    TensorMapField,
)
from edgekit.tflite.sparse import read_sparsity

MAX_RANK = 16
MAX_ELEMENTS = 2**40

Span = tuple[int, int]


def read_tflite(path: Path | str) -> TfliteModel:
    """The model in a file, with the layers of its operators where they are kept beside it.

    Guarantees bounded time and memory for any file. Raises `ModelError` if it cannot be read or is not a complete
    and consistent `.tflite` file; it raises nothing else.
    """
    require_mark(Path(path))
    content = read_content(Path(path))
    model = parse_tflite(content, where=str(path))
    return msgspec.structs.replace(model, layers=layers_beside(Path(path), content))


def parse_tflite(content: bytes, *, where: str) -> TfliteModel:
    """The model in the bytes of a file, which `where` names; raises `ModelError` as `read_tflite` does."""
    require_mark_of(content[: first_bytes.ENOUGH], len(content), where)
    buffer = FlatBuffer(content, where)
    root = buffer.root("model")
    version = root.number(ModelField.VERSION, "<I")
    if version != SCHEMA_VERSION:
        root.remark(ModelField.VERSION, f"schema version {version}, not {SCHEMA_VERSION}")
    model = _read_model(root, content, where)
    return msgspec.structs.replace(model, oddities=tuple(buffer.remarks))


def _read_model(root: Table, content: bytes, where: str) -> TfliteModel:
    codes = [_read_code(table) for table in root.tables(ModelField.OPERATOR_CODES)]
    spans = [_read_buffer(table, where) for table in root.tables(ModelField.BUFFERS)]
    subgraphs = root.tables(ModelField.SUBGRAPHS)
    if not subgraphs:
        raise root.damaged(ModelField.SUBGRAPHS, "no subgraph")
    groups: list[list[Tensor]] = []
    starts: list[int] = []
    for number, subgraph in enumerate(subgraphs):
        starts.append(starts[-1] + len(groups[-1]) if groups else 0)
        packed = _packed(subgraph, codes)
        groups.append(_read_tensors(subgraph, number, starts[-1], spans, packed, where))
    listed = [_read_operators(subgraph, groups[number], codes, where) for number, subgraph in enumerate(subgraphs)]
    operators = _with_runs(subgraphs, listed, groups, content)
    groups = _with_codings(groups, operators, content, where)
    return TfliteModel(
        path=where,
        description=root.text(ModelField.DESCRIPTION),
        operators=tuple(operators),
        tensors=tuple(tensor for group in groups for tensor in group),
        inputs=_indices(subgraphs[0], SubGraphField.INPUTS, groups[0]),
        outputs=_indices(subgraphs[0], SubGraphField.OUTPUTS, groups[0]),
        signatures=_read_signatures(root, groups),
        subgraphs=len(subgraphs),
        content=content,
    )


def _with_runs(
    subgraphs: list[Table], listed: list[list[Operator]], groups: list[list[Tensor]], content: bytes
) -> list[Operator]:
    """The operators of all subgraphs, each with how often it runs."""
    if len(subgraphs) == 1:
        return listed[0]
    parts = [read_subgraph(table, own, held) for table, own, held in zip(subgraphs, listed, groups, strict=True)]
    times = runs(parts, [tensor for group in groups for tensor in group], content)
    return [
        msgspec.structs.replace(operator, runs=count, macs=operator.macs * (1 if count is None else count))
        for operators, count in zip(listed, times, strict=True)
        for operator in operators
    ]


def _read_code(table: Table) -> tuple[str, int, bool]:
    """An operator's name, version, and whether it is custom."""
    old = table.number(OperatorCodeField.DEPRECATED_BUILTIN_CODE, "<b")
    new = table.number(OperatorCodeField.BUILTIN_CODE, "<i")
    code = max(old, new)  # as in lite/schema/schema_utils.cc: files from before 2020 have only the old one
    version = table.number(OperatorCodeField.VERSION, "<i", 1)
    if code == CUSTOM_CODE:
        return table.text(OperatorCodeField.CUSTOM_CODE) or "CUSTOM", version, True
    known = 0 <= code < len(BUILTIN_OPERATORS) and code != PLACEHOLDER_CODE
    return BUILTIN_OPERATORS[code] if known else f"UNKNOWN_{code}", version, False


def _read_buffer(table: Table, where: str) -> Span | None:
    if table.number(BufferField.OFFSET, "<Q") > 1:  # 1 is the converter's placeholder
        raise external(where, table.name)
    return table.span(BufferField.DATA)


def _packed(subgraph: Table, codes: list[tuple[str, int, bool]]) -> set[int]:
    """The tensors that hold streams; their quantization is that of the tensors decoded from them."""
    decoders = {number for number, (name, _, custom) in enumerate(codes) if custom and name == DECODE}
    if not decoders:
        return set()
    found = [
        table.numbers(OperatorField.INPUTS, "i")[::2]
        for table in subgraph.tables(SubGraphField.OPERATORS)
        if table.number(OperatorField.OPCODE_INDEX, "<I") in decoders
    ]
    return {index for indices in found for index in indices}


def _read_tensors(
    subgraph: Table, number: int, start: int, spans: list[Span | None], packed: set[int], where: str
) -> list[Tensor]:
    tables = subgraph.tables(SubGraphField.TENSORS)
    return [
        _read_tensor(table, number, start + index, spans, where, packed=index in packed)
        for index, table in enumerate(tables)
    ]


def _with_codings(
    groups: list[list[Tensor]], operators: list[Operator], content: bytes, where: str
) -> list[list[Tensor]]:
    """The tensors; those that TFLM_DECODE decodes get the place of their stream, and how they are coded."""
    tensors = {tensor.index: tensor for group in groups for tensor in group}
    for operator in operators:
        if not (operator.custom and operator.name == DECODE):
            continue
        for output, packed, ancillary in zip(
            operator.outputs, operator.inputs[::2], operator.inputs[1::2], strict=False
        ):
            tensors[output] = _decoded(tensors, output, packed, ancillary, content, where)
    return [[tensors[tensor.index] for tensor in group] for group in groups]


def _decoded(
    tensors: dict[int, Tensor], output: int, packed: int, ancillary: int, content: bytes, where: str
) -> Tensor:
    made = tensors[output]
    stream, beside = tensors.get(packed), tensors.get(ancillary)
    bits = BITS.get(made.dtype, 0)
    if made.constant or stream is None or beside is None or stream.span is None or beside.span is None:
        return made
    first, second = (content[start : start + length] for start, length in (stream.span, beside.span))
    if not bits or bits % 8 or not declared(second, made.dtype, made.zero_points):
        return made
    coding = read_coding(second, first, made.shape, bits // 8, made.zero_points)
    if coding is None:
        raise ModelError(
            "the file is damaged: coded weights do not fit their tensor",
            where=where,
            received=f"tensor {output} {made.name!r} of {list(made.shape)}: a stream of {len(first)} bytes, {len(second)} beside it, "
            f"their head {second[:8].hex()}",
            next_step="build the file again",
        )
    return msgspec.structs.replace(made, span=stream.span, coding=coding)


def _read_tensor(
    table: Table, subgraph: int, index: int, spans: list[Span | None], where: str, *, packed: bool = False
) -> Tensor:
    if table.number(TensorField.EXTERNAL_BUFFER, "<I"):
        raise external(where, table.name)
    shape = _read_shape(table)
    dtype = _read_dtype(table)
    buffer = table.number(TensorField.BUFFER, "<I")
    if buffer and buffer >= len(spans):
        raise table.damaged(TensorField.BUFFER, f"buffer {buffer} of {len(spans)}")
    sparsity = table.table(TensorField.SPARSITY)
    scales, zero_points, dimension = ((), (), 0) if packed else _read_quantization(table, shape)
    tensor = Tensor(
        index=index,
        subgraph=subgraph,
        name=table.text(TensorField.NAME),
        shape=shape,
        shape_signature=_read_signature_shape(table, shape),
        dtype=dtype,
        scales=scales,
        zero_points=zero_points,
        quantized_dimension=dimension,
        span=spans[buffer] if buffer else None,
        variable=bool(table.number(TensorField.IS_VARIABLE, "<B")),
        sparsity=None if sparsity is None else read_sparsity(sparsity, len(shape)),
    )
    if tensor.span and dtype in BITS and tensor.sparsity is None and tensor.span[1] != tensor.size_bytes:
        received = f"{tensor.span[1]} bytes for {dtype} of shape {shape}, which takes {tensor.size_bytes}"
        if tensor.span[1] < tensor.size_bytes:  # an interpreter would read beyond the buffer
            raise table.damaged(TensorField.BUFFER, received)
        table.remark(TensorField.BUFFER, received)
    return tensor


def _read_shape(table: Table) -> tuple[int, ...]:
    shape = table.numbers(TensorField.SHAPE, "i")
    if len(shape) > MAX_RANK:
        raise table.damaged(TensorField.SHAPE, f"{len(shape)} dimensions, more than {MAX_RANK}")
    if any(size < 0 for size in shape) or prod(shape) > MAX_ELEMENTS:
        raise table.damaged(TensorField.SHAPE, f"shape {shape}")
    return shape


def _read_signature_shape(table: Table, shape: tuple[int, ...]) -> tuple[int, ...]:
    signature = table.numbers(TensorField.SHAPE_SIGNATURE, "i")
    if signature and (len(signature) != len(shape) or any(size < -1 for size in signature)):
        table.remark(TensorField.SHAPE_SIGNATURE, f"{signature[:MAX_RANK]} for shape {shape}")
        return shape
    return signature or shape


def _read_dtype(table: Table) -> str:
    number = table.number(TensorField.TYPE, "<b")
    if not 0 <= number < len(TENSOR_TYPES):
        raise table.damaged(TensorField.TYPE, f"tensor type {number}")
    return TENSOR_TYPES[number]


def _read_quantization(table: Table, shape: tuple[int, ...]) -> tuple[tuple[float, ...], tuple[int, ...], int]:
    """Scales, zero points and the quantized dimension, checked against each other and the shape.

    LiteRT refuses scales that do not fit, tflite-micro checks those of weights alone (its published person detector has
    one-dimensional biases with scales along dimension 3). If exactly one dimension has as many items as there are scales, it
    is taken as the quantized one.
    """
    quantization = table.table(TensorField.QUANTIZATION)
    if quantization is None:
        return (), (), 0
    scales = quantization.reals(QuantizationField.SCALE)
    zero_points = quantization.numbers(QuantizationField.ZERO_POINT, "q")
    dimension = quantization.number(QuantizationField.QUANTIZED_DIMENSION, "<i")
    if scales and len(zero_points) not in (0, 1, len(scales)):
        quantization.remark(QuantizationField.ZERO_POINT, f"{len(zero_points)} zero points for {len(scales)} scales")
        zero_points = zero_points[:1]
    if len(scales) > 1 and not (0 <= dimension < len(shape) and shape[dimension] == len(scales)):
        received = f"{len(scales)} scales along dimension {dimension} of shape {shape}"
        quantization.remark(QuantizationField.SCALE, received)
        fitting = [place for place, size in enumerate(shape) if size == len(scales)]
        if len(fitting) != 1:
            return (), (), 0
        dimension = fitting[0]
    return scales, zero_points if scales else (), dimension


def _read_operators(
    subgraph: Table, tensors: list[Tensor], codes: list[tuple[str, int, bool]], where: str
) -> list[Operator]:
    return [_read_operator(table, tensors, codes, where) for table in subgraph.tables(SubGraphField.OPERATORS)]


def _read_operator(table: Table, tensors: list[Tensor], codes: list[tuple[str, int, bool]], where: str) -> Operator:
    code = table.number(OperatorField.OPCODE_INDEX, "<I")
    if code >= len(codes):
        raise table.damaged(OperatorField.OPCODE_INDEX, f"operator code {code} of {len(codes)}")
    if table.number(OperatorField.LARGE_CUSTOM_OPTIONS_OFFSET, "<Q") > 1:
        raise external(where, table.name)
    name, version, custom = codes[code]
    inputs = _indices(table, OperatorField.INPUTS, tensors, optional=True)
    outputs = _indices(table, OperatorField.OUTPUTS, tensors)
    first = tensors[0].index if tensors else 0
    return Operator(
        name=name,
        version=version,
        inputs=inputs,
        outputs=outputs,
        macs=0
        if custom
        else macs.count(
            name,
            [None if index == ABSENT else tensors[index - first].shape for index in inputs],
            [tensors[index - first].shape for index in outputs],
            transposed=name == "BATCH_MATMUL" and _is_transposed(table),
        ),
        custom=custom,
    )


def _is_transposed(table: Table) -> bool:
    options = table.table(OperatorField.BUILTIN_OPTIONS)
    return options is not None and bool(options.number(BatchMatMulField.ADJ_X, "<B"))


def _indices(
    table: Table, field: SubGraphField | OperatorField, tensors: list[Tensor], *, optional: bool = False
) -> tuple[int, ...]:
    """Tensor indices over all subgraphs, from the indices within the subgraph that owns `tensors`."""
    local = table.numbers(field, "i")
    for index in local:
        if not (0 <= index < len(tensors) or (optional and index == ABSENT)):
            raise table.damaged(field, f"tensor {index} of {len(tensors)}")
    return tuple(ABSENT if index == ABSENT else tensors[index].index for index in local)


def _read_signatures(root: Table, groups: list[list[Tensor]]) -> tuple[Signature, ...]:
    """The signatures; one that names a missing subgraph or tensor is left out, for no inference needs it."""
    found = (_read_signature(table, groups) for table in root.tables(ModelField.SIGNATURE_DEFS))
    return tuple(signature for signature in found if signature is not None)


def _read_signature(table: Table, groups: list[list[Tensor]]) -> Signature | None:
    number = table.number(SignatureField.SUBGRAPH_INDEX, "<I")
    if number >= len(groups):
        table.remark(SignatureField.SUBGRAPH_INDEX, f"subgraph {number} of {len(groups)}")
        return None
    inputs = _names(table, SignatureField.INPUTS, groups[number])
    outputs = _names(table, SignatureField.OUTPUTS, groups[number])
    if inputs is None or outputs is None:
        return None
    return Signature(key=table.text(SignatureField.KEY), inputs=inputs, outputs=outputs)


def _names(table: Table, field: SignatureField, tensors: list[Tensor]) -> dict[str, int] | None:
    """The tensor of each name; None if one does not exist."""
    found = {}
    for item in table.tables(field):
        index = item.number(TensorMapField.TENSOR_INDEX, "<I")
        if index >= len(tensors):
            item.remark(TensorMapField.TENSOR_INDEX, f"tensor {index} of {len(tensors)}")
            return None
        found[item.text(TensorMapField.NAME)] = tensors[index].index
    return found
