"""The quantization of a file's tensors, which can be written in place: the file's length and all other bytes stay."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple

from edgekit.tflite.flatbuffer import FlatBuffer, Table
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.schema import ModelField, QuantizationField, SubGraphField, TensorField


class Scaled(NamedTuple):
    """A tensor's dtype and quantization, and where that is in the file."""

    dtype: str
    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    quantization: Table | None

    def write(self, content: bytearray, scales: Sequence[float], zero_point: int | None = None) -> None:
        """Write as many scales as it has into the file's bytes, and the first zero point where one is given."""
        assert self.quantization is not None, "a tensor with a scale has one"
        start = self.quantization.start_of(QuantizationField.SCALE, 4)
        struct.pack_into(f"<{len(scales)}f", content, start, *scales)
        if zero_point is not None:
            struct.pack_into("<q", content, self.quantization.start_of(QuantizationField.ZERO_POINT, 8), zero_point)


def subgraphs(content: bytes) -> list[Table]:
    """The file's subgraphs as tables."""
    return FlatBuffer(content, "the converted model").root("model").tables(ModelField.SUBGRAPHS)


def scaled_tensors(content: bytes, model: TfliteModel) -> list[Scaled]:
    """The quantization of every tensor of `model`, which was parsed from `content`, by the tensor's index."""
    tables = [table for subgraph in subgraphs(content) for table in subgraph.tables(SubGraphField.TENSORS)]
    return [
        Scaled(tensor.dtype, tensor.scales, tensor.zero_points, table.table(TensorField.QUANTIZATION))
        for tensor, table in zip(model.tensors, tables, strict=True)
    ]
