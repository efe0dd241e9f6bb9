"""Brings the scale of a fused LSTM's cell state into the range that its integer kernel computes with.

The converter gives the int16 cell state the smallest power of two that holds its calibrated values. LiteRT's kernel takes the tanh of
it with 0 to 6 integer bits (`ApplyTanh` in `tensorflow/lite/kernels/internal/reference/portable_tensor_utils.cc`), which are the scales
2^-15 to 2^-9; for any other it writes nothing, without an error. A cell that stays below 0.5 in all samples has a smaller scale.
"""

from __future__ import annotations

import struct

from edgekit.tflite.flatbuffer import FlatBuffer
from edgekit.tflite.model import ABSENT, Tensor, TfliteModel
from edgekit.tflite.reader import parse_tflite
from edgekit.tflite.schema import ModelField, QuantizationField, SubGraphField, TensorField

FUSED = "UNIDIRECTIONAL_SEQUENCE_LSTM"
CELL_STATE = 19
"""The place of the cell state among the operator's inputs, counted from 0."""
SMALLEST, LARGEST = 2.0**-15, 2.0**-9


def bound_cell_scales(content: bytes) -> bytes:
    """The file with the scale of every int16 cell state in the kernel's range; its length and all other bytes stay.

    Nothing else in the file depends on that scale: the state is zero at the start, and the kernel alone reads and writes it. Beyond the
    largest scale the state saturates at 64, whose tanh is 1.
    """
    model = parse_tflite(content, where="the converted model")
    bounded = bytearray(content)
    for tensor in _cell_states(model):
        scale = min(max(tensor.scales[0], SMALLEST), LARGEST)
        if scale != tensor.scales[0]:
            struct.pack_into("<f", bounded, _place(model, tensor), scale)
    return bytes(bounded)


def _cell_states(model: TfliteModel) -> list[Tensor]:
    found = {
        operator.inputs[CELL_STATE]
        for operator in model.operators
        if operator.name == FUSED and len(operator.inputs) > CELL_STATE
    }
    tensors = [model.tensors[index] for index in sorted(found - {ABSENT})]
    return [tensor for tensor in tensors if tensor.dtype == "int16" and tensor.scale is not None]


def _place(model: TfliteModel, tensor: Tensor) -> int:
    """Where a tensor's first scale is in the file."""
    first = next(one.index for one in model.tensors if one.subgraph == tensor.subgraph)
    root = FlatBuffer(model.content, "the converted model").root("model")
    table = root.tables(ModelField.SUBGRAPHS)[tensor.subgraph].tables(SubGraphField.TENSORS)[tensor.index - first]
    quantization = table.table(TensorField.QUANTIZATION)
    assert quantization is not None, "a tensor with a scale has one"
    return quantization.start_of(QuantizationField.SCALE, 4)
