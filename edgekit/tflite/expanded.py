"""A file with its look-up tables expanded: the same model for interpreters that cannot decode them.

The index tensors get back the shape, dtype and values that they had before compression. New data is appended to the
file, because a flatbuffer's references only point forward; the references are rewritten in place, and the TFLM_DECODE
operators are removed. It knows the format of the file, and not what any interpreter does with it.
"""

from __future__ import annotations

import struct
from enum import IntEnum

from edgekit.errors import ModelError
from edgekit.tflite.flatbuffer import FlatBuffer, Table
from edgekit.tflite.lookup import DECODE
from edgekit.tflite.model import Operator, TfliteModel
from edgekit.tflite.schema import TENSOR_TYPES, BufferField, ModelField, OperatorField, SubGraphField, TensorField
from edgekit.tflite.weights import weights

_DATA_ALIGNMENT = 16  # force_align of Buffer.data in schema.fbs


def has_tables(model: TfliteModel) -> bool:
    """Whether a file has tensors that TFLM_DECODE decodes."""
    return any(_decodes(operator) for operator in model.operators)


def expanded(model: TfliteModel) -> bytes:
    """The file without TFLM_DECODE; unchanged if it has none.

    Raises `ModelError` if a TFLM_DECODE decodes anything but look-up tables, or if packed data is shared in a way
    that no single tensor can stand for.
    """
    return _Expansion(model).content() if has_tables(model) else model.content


def _decodes(operator: Operator) -> bool:
    return operator.custom and operator.name == DECODE


class _Expansion:
    """One file being rewritten: its bytes, patched and extended."""

    def __init__(self, model: TfliteModel) -> None:
        root = FlatBuffer(model.content, model.path).root("model")
        self._model, self._bytes = model, bytearray(model.content)
        self._subgraphs = root.tables(ModelField.SUBGRAPHS)
        self._buffers = root.tables(ModelField.BUFFERS)
        self._tensors = [tensor for subgraph in self._subgraphs for tensor in subgraph.tables(SubGraphField.TENSORS)]
        self._users: dict[int, set[int]] = {}
        for index, table in enumerate(self._tensors):
            self._users.setdefault(table.number(TensorField.BUFFER, "<I"), set()).add(index)
        self._indices = {index for one in model.operators if _decodes(one) for index in one.inputs[::2]}
        self._packed: dict[int, int] = {}
        self._written: dict[int, bytes] = {}

    def content(self) -> bytes:
        """The patched file."""
        for operator in self._model.operators:
            if _decodes(operator):
                self._unpack(operator)
        first_tensor = first_operator = 0
        for subgraph in self._subgraphs:
            tables = subgraph.tables(SubGraphField.OPERATORS)
            self._rewire(subgraph, tables, self._model.operators[first_operator:], first_tensor)
            first_tensor += len(subgraph.tables(SubGraphField.TENSORS))
            first_operator += len(tables)
        return bytes(self._bytes)

    def _unpack(self, operator: Operator) -> None:
        """Give the index tensors their decoded shape, dtype and values."""
        for packed, output in zip(operator.inputs[::2], operator.outputs, strict=False):
            made, table = self._model.tensors[output], self._tensors[packed]
            if made.lookup is None or output in self._model.outputs:
                raise self._refused(f"tensor {output} {made.name!r}, decoded from no look-up table or an output")
            values, buffer = weights(self._model, output).tobytes(), table.number(TensorField.BUFFER, "<I")
            same = self._packed.get(output, packed) == packed and self._written.get(buffer, values) == values
            if not same or self._users[buffer] - self._indices:
                raise self._refused(f"buffer {buffer}, which is used by tensors that differ")
            self._packed[output], self._written[buffer] = packed, values
            self._refer(table, TensorField.SHAPE, struct.pack(f"<I{len(made.shape)}i", len(made.shape), *made.shape))
            place = self._place(table, TensorField.TYPE)
            self._bytes[place] = TENSOR_TYPES.index(made.dtype)
            self._refer(self._buffers[buffer], BufferField.DATA, struct.pack("<I", len(values)) + values)

    def _rewire(self, subgraph: Table, tables: list[Table], operators: tuple[Operator, ...], first: int) -> None:
        """Connect a subgraph's operators to the tensors that were packed, and remove the operators that decoded them."""
        start, kept = subgraph.start_of(SubGraphField.OPERATORS, 4), []
        for place, (table, operator) in enumerate(zip(tables, operators, strict=False)):
            if _decodes(operator):
                continue
            at = start + 4 * place
            kept.append(at + struct.unpack_from("<I", self._model.content, at)[0])
            inputs = table.start_of(OperatorField.INPUTS, 4)
            for position, index in enumerate(operator.inputs):
                if index in self._packed:
                    struct.pack_into("<i", self._bytes, inputs + 4 * position, self._packed[index] - first)
        for place, target in enumerate(kept):
            struct.pack_into("<I", self._bytes, start + 4 * place, target - start - 4 * place)
        if tables:
            struct.pack_into("<I", self._bytes, start - 4, len(kept))

    def _refer(self, table: Table, field: IntEnum, vector: bytes) -> None:
        """Append a vector, its items aligned, and let a field point to it."""
        self._bytes += bytes(-(len(self._bytes) + 4) % _DATA_ALIGNMENT)
        place = self._place(table, field)
        struct.pack_into("<I", self._bytes, place, len(self._bytes) - place)
        self._bytes += vector

    def _place(self, table: Table, field: IntEnum) -> int:
        place = table.place_of(field)
        if place is None:
            raise self._refused(f"{table.name} without {field.name.lower()}")
        return place

    def _refused(self, received: str) -> ModelError:
        return ModelError("the look-up tables cannot be written out", where=self._model.path, received=received)
