"""The ranges that calibration wrote into a float file, which can be written in place: the file's length and all other bytes stay."""

from __future__ import annotations

import struct

from edgekit.tflite.flatbuffer import FlatBuffer, Table
from edgekit.tflite.schema import ModelField, QuantizationField, SubGraphField, TensorField


def calibrated_ends(content: bytes) -> dict[int, Ends]:
    """The range of each value of the main graph that has one, by the tensor's index."""
    main = FlatBuffer(content, "the calibrated model").root("model").tables(ModelField.SUBGRAPHS)[0]
    tables = enumerate(main.tables(SubGraphField.TENSORS))
    return {index: found for index, table in tables if (found := _of(table)) is not None}


class Ends:
    """The calibrated range of a tensor, and where its ends are in the file."""

    def __init__(self, quantization: Table) -> None:
        (self.low,), (self.high,) = quantization.reals(QuantizationField.MIN), quantization.reals(QuantizationField.MAX)
        self._places = [quantization.start_of(field, 4) for field in (QuantizationField.MIN, QuantizationField.MAX)]

    def write(self, content: bytearray, low: float, high: float) -> None:
        for place, end in zip(self._places, (low, high), strict=True):
            struct.pack_into("<f", content, place, end)


def _of(tensor: Table) -> Ends | None:
    quantization = tensor.table(TensorField.QUANTIZATION)
    if (
        quantization is None
        or len(quantization.reals(QuantizationField.MIN)) != 1
        or len(quantization.reals(QuantizationField.MAX)) != 1
    ):
        return None
    return Ends(quantization)
