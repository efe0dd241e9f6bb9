"""A float file with its weights and biases in float16, each widened by a DEQUANTIZE of its own, as TensorFlow's converter stores them."""

from __future__ import annotations

from edgekit.tflite.flat.tree import Table, table
from edgekit.tflite.model import ABSENT
from edgekit.tflite.rewriting import Rewriting
from edgekit.tflite.schema import TENSOR_TYPES
from edgekit.tflite.weights import KERNELS

LARGEST = 65504.0
"""The largest number of float16; a constant with a larger one stays as it is."""
VERSION = 3
"""The version of DEQUANTIZE that takes float16 (tensorflow/lite/tools/versioning/op_version.cc)."""


def with_float16_weights(content: bytes, *, where: str) -> bytes:
    """The file with the constants of its convolutions, dense and recurrent layers in half the bytes; it computes in float32 as before.

    `where` names the file in errors. Raises `ModelError` for a file that cannot be written again.
    """
    file = Rewriting(content, where)
    opcode = file.code("DEQUANTIZE", VERSION)
    return file.content(lambda graph: _graph(file, graph, opcode))


def _graph(file: Rewriting, graph: Table, opcode: int) -> Table:
    tensors, widening = [*graph.tables("tensors")], []
    for index in _weights(file, graph):
        values = file.floats(tensors[index])
        if values is None or not bool((abs(values) <= LARGEST).all()):
            continue
        buffer = file.buffer(values.astype("<f2").tobytes())
        tensors.append(tensors[index].with_fields(type=TENSOR_TYPES.index("float16"), buffer=buffer))
        tensors[index] = tensors[index].with_fields(buffer=0)
        widening.append(table("Operator", opcode_index=opcode, inputs=(len(tensors) - 1,), outputs=(index,)))
    return graph.with_fields(tensors=tuple(tensors), operators=(*widening, *graph.tables("operators")))


def _weights(file: Rewriting, graph: Table) -> list[int]:
    """What operators with kernels take, each once."""
    operators = (one for one in graph.tables("operators") if file.name_of(one) in KERNELS)
    taken = dict.fromkeys(index for one in operators for index in one.numbers("inputs"))
    return [index for index in taken if index != ABSENT]
