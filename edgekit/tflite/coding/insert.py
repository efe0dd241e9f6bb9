"""A file whose weights are coded: streams in the place of constants, and a TFLM_DECODE before each operator that reads them.

The decoded tensor keeps its number, name and scales. What TFLM_DECODE writes lives only until the next operator, so each
operator that reads a coded tensor has a decoder, and from the second on a copy, of its own
(tensorflow/lite/micro/docs/compression.md). Pure: bytes in, bytes out.
"""

from __future__ import annotations

from collections.abc import Mapping

from edgekit.tflite.coding.coded import Coded
from edgekit.tflite.coding.header import DECODE
from edgekit.tflite.diet.unused import NO_BUFFER, without_unused
from edgekit.tflite.flat.tree import Table, read_tree, table
from edgekit.tflite.flat.write import write_tree
from edgekit.tflite.schema import CUSTOM_CODE, TENSOR_TYPES

DECODER_BYTES, CONSTANT_BYTES = 90, 50
"""What a decoder with its stream takes in the file besides the data, and what the ancillary constant does: tables, shapes, alignment."""


def with_decoders(content: bytes, coded: Mapping[int, Coded], *, where: str) -> bytes | None:
    """The file with some constants of its main graph coded, by tensor number; None where it cannot be written again.

    That is so where it has what the schema does not have. Raises `ModelError` where it is no consistent `.tflite` file.
    """
    tree = read_tree(content, where)
    if tree.strangers or not coded:
        return None
    graphs = tree.root.tables("subgraphs")
    codes, buffers = tree.root.tables("operator_codes"), [*tree.root.tables("buffers")]
    custom = table(
        "OperatorCode", deprecated_builtin_code=CUSTOM_CODE, builtin_code=CUSTOM_CODE, custom_code=DECODE, version=1
    )
    main = _Main(graphs[0], coded, buffers, len(codes)).graph()
    root = tree.root.with_fields(subgraphs=(main, *graphs[1:]), operator_codes=(*codes, custom), buffers=tuple(buffers))
    return write_tree(without_unused(root))


class _Main:
    """The main graph being rewritten; `buffers` grows."""

    def __init__(self, graph: Table, coded: Mapping[int, Coded], buffers: list[Table], opcode: int) -> None:
        self._graph, self._coded, self._buffers, self._opcode = graph, coded, buffers, opcode
        self._tensors = [*graph.tables("tensors")]
        self._constants: dict[bytes, int] = {}
        self._taken: set[int] = set()

    def graph(self) -> Table:
        """The graph with its decoders."""
        for index in self._coded:
            self._tensors[index] = self._tensors[index].with_fields(buffer=NO_BUFFER)
        operators: list[Table] = []
        for operator in self._graph.tables("operators"):
            inputs = operator.numbers("inputs")
            read = [index for index in dict.fromkeys(inputs) if index in self._coded]
            if read:
                outputs = {index: self._decoded(index) for index in read}
                operators.append(self._decoder(outputs))
                operator = operator.with_fields(inputs=tuple(outputs.get(index, index) for index in inputs))
            operators.append(operator)
        return self._graph.with_fields(tensors=tuple(self._tensors), operators=tuple(operators))

    def _decoder(self, outputs: Mapping[int, int]) -> Table:
        pairs = [(self._coded[index].stream, self._coded[index].ancillary) for index in outputs]
        inputs = tuple(self._constant(data) for pair in pairs for data in pair)
        return table("Operator", opcode_index=self._opcode, inputs=inputs, outputs=tuple(outputs.values()))

    def _decoded(self, index: int) -> int:
        """The tensor that the next operator reads: the coded one itself, or a copy where an operator before reads that."""
        if index not in self._taken:
            self._taken.add(index)
            return index
        self._tensors.append(self._tensors[index])
        return len(self._tensors) - 1

    def _constant(self, data: bytes) -> int:
        """A tensor of bytes; one for all that are equal."""
        if data not in self._constants:
            self._buffers.append(table("Buffer", data=data))
            made = table("Tensor", shape=(len(data),), type=TENSOR_TYPES.index("uint8"), buffer=len(self._buffers) - 1)
            self._constants[data] = len(self._tensors)
            self._tensors.append(made)
        return self._constants[data]
