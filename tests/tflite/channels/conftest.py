"""Small float files written by hand: an input, operators with constants, one output."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgekit.tflite.flat.kinds import schema
from edgekit.tflite.flat.tree import table
from edgekit.tflite.flat.write import write_tree
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.reader import parse_tflite
from edgekit.tflite.schema import BUILTIN_OPERATORS, TENSOR_TYPES

ONES = {"stride_w": 1, "stride_h": 1}


class Network:
    """A file in the making; every method gives the index of a tensor. Its constants are random."""

    def __init__(self, *shape: int) -> None:
        self._random = np.random.default_rng(0)
        self._codes: list[str] = []
        self._buffers: list[Any] = [table("Buffer")]
        self._tensors: list[Any] = []
        self._operators: list[Any] = []
        self._shapes: list[tuple[int, ...]] = []
        self.input = self._tensor(shape, "float32", 0)

    def unmade(self, *shape: int) -> int:
        """A value that no operator makes, as the intermediate ones of an LSTM."""
        return self._tensor(shape, "float32", 0)

    def numbers(self, *shape: int) -> int:
        """A constant of float32."""
        return self.constant(self._random.normal(size=shape).astype("float32"))

    def constant(self, array: Any) -> int:
        """A constant of given numbers; whole ones are int32."""
        array = np.asarray(array)
        array = array.astype("int32") if array.dtype.kind == "i" else array.astype("float32")
        self._buffers.append(table("Buffer", data=array.tobytes()))
        return self._tensor(array.shape, array.dtype.name, len(self._buffers) - 1)

    def add(self, name: str, shape: tuple[int, ...], *inputs: int, kind: str | None = None, **options: Any) -> int:
        """What an operator gives, by its name in the schema."""
        found = self.add_several(name, [shape], *inputs, kind=kind, **options)
        return found[0]

    def add_several(
        self, name: str, shapes: list[tuple[int, ...]], *inputs: int, kind: str | None = None, **options: Any
    ) -> list[int]:
        made = [self._tensor(shape, "float32", 0) for shape in shapes]
        if name not in self._codes:
            self._codes.append(name)
        fields: dict[str, Any] = {}
        if kind is not None:
            number = schema().unions["BuiltinOptions"].index(kind)
            fields = {"builtin_options_type": number, "builtin_options": table(kind, **options)}
        self._operators.append(
            table("Operator", opcode_index=self._codes.index(name), inputs=inputs, outputs=tuple(made), **fields)
        )
        return made

    def convolution(self, value: int, channels: int, groups: int = 1, **options: Any) -> int:
        """Of one by one, with a bias."""
        *beside, taken = self._shapes[value]
        kernel, bias = self.numbers(channels, 1, 1, taken // groups), self.numbers(channels)
        return self.add(
            "CONV_2D", (*beside, channels), value, kernel, bias, kind="Conv2DOptions", **ONES, **options
        )  # fmt: skip

    def file(self, output: int) -> TfliteModel:
        main = table("SubGraph", tensors=tuple(self._tensors), inputs=(self.input,), outputs=(output,), operators=tuple(self._operators))  # fmt: skip
        numbers = [BUILTIN_OPERATORS.index(name) for name in self._codes]
        codes = [table("OperatorCode", deprecated_builtin_code=min(one, 127), builtin_code=one, version=1) for one in numbers]  # fmt: skip
        root = table("Model", version=3, operator_codes=tuple(codes), subgraphs=(main,), buffers=tuple(self._buffers))
        return parse_tflite(write_tree(root), where="by hand")

    def _tensor(self, shape: tuple[int, ...], dtype: str, buffer: int) -> int:
        name = f"t{len(self._tensors)}"
        self._tensors.append(table("Tensor", shape=shape, type=TENSOR_TYPES.index(dtype), buffer=buffer, name=name))
        self._shapes.append(shape)
        return len(self._tensors) - 1


@pytest.fixture
def network() -> type[Network]:
    """What begins a file, by the shape of its input."""
    return Network
