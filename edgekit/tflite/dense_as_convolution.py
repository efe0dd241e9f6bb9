"""Dense layers of a graph as convolutions of 1 x 1 over one place: the same sums, for runtimes that take a kernel there which they refuse here.

LiteRT's XNNPACK delegate fails on an int8 FULLY_CONNECTED whose weights a DENSIFY writes, and takes such a CONV_2D (version 2.3). The
shapes around it are made by RESHAPE; one layer after another needs none between them.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from edgekit.tflite.diet.unused import NO_BUFFER
from edgekit.tflite.flat.kinds import schema
from edgekit.tflite.flat.tree import Table, table
from edgekit.tflite.model import ABSENT
from edgekit.tflite.schema import BUILTIN_OPERATORS

VALID, PER_CHANNEL_VERSION = 1, 3
INPUT, KERNEL, BIAS = range(3)


def takes(operator: Table, graph: Table) -> bool:
    """Whether a FULLY_CONNECTED of a graph can be a convolution: it has a bias, and all is of two dimensions."""
    inputs, outputs = operator.numbers("inputs"), operator.numbers("outputs")
    if len(inputs) != BIAS + 1 or ABSENT in inputs or len(outputs) != 1:
        return False  # an int8 convolution must have a bias (tensorflow/lite/kernels/conv.cc)
    tensors = graph.tables("tensors")
    shapes = [tensors[index].numbers("shape") for index in (inputs[INPUT], inputs[KERNEL], outputs[0])]
    given, kernel, made = shapes
    options = operator.fields.get("builtin_options")
    is_plain = options is not None and not options.number("weights_format")
    return is_plain and len(given) == len(kernel) == len(made) == 2 and given[1] == kernel[1]


def as_convolutions(graph: Table, places: Collection[int], codes: list[Table]) -> Table:
    """The graph with the operators at some places, each of which `takes` accepts, as CONV_2D; `codes` grows.

    A kernel keeps its number and data and gets a shape of four dimensions: whoever else reads it must be at one of the places.
    """
    return _Rewriting(graph, places, codes).graph() if places else graph


class _Rewriting:
    """One graph; `wide` has for each tensor its form of four dimensions, once it is computed."""

    def __init__(self, graph: Table, places: Collection[int], codes: list[Table]) -> None:
        self._graph, self._places = graph, places
        self._tensors, self._operators = [*graph.tables("tensors")], [*graph.tables("operators")]
        self._conv = _code(codes, "CONV_2D", PER_CHANNEL_VERSION)
        self._reshape = _code(codes, "RESHAPE", 1)
        self._wide: dict[int, int] = {}

    def graph(self) -> Table:
        """The rewritten graph."""
        others = [one for place, one in enumerate(self._operators) if place not in self._places]
        read = {index for one in others for index in one.numbers("inputs")} | {*self._graph.numbers("outputs")}
        found: list[Table] = []
        for place, operator in enumerate(self._operators):
            if place not in self._places:
                found.append(operator)
                continue
            given, kernel, bias = operator.numbers("inputs")
            (made,) = operator.numbers("outputs")
            if given not in self._wide:
                found.append(self._reshaped(given, self._four(given)))
            found.append(self._convolution(operator, (self._wide[given], kernel, bias), self._four(made)))
            self._widen(kernel)
            if made in read:
                found.append(self._reshaped(self._wide[made], made))
        return self._graph.with_fields(tensors=tuple(self._tensors), operators=tuple(found))

    def _four(self, index: int) -> int:
        """A new tensor: the one of an index, with two dimensions of 1 between its own."""
        self._wide[index] = len(self._tensors)
        self._tensors.append(self._tensors[index].with_fields(shape=self._spread(index), shape_signature=None, buffer=NO_BUFFER))  # fmt: skip
        return self._wide[index]

    def _widen(self, kernel: int) -> None:
        if len(self._tensors[kernel].numbers("shape")) == 2:
            self._tensors[kernel] = self._tensors[kernel].with_fields(shape=self._spread(kernel), shape_signature=None)

    def _spread(self, index: int) -> tuple[int, ...]:
        first, last = self._tensors[index].numbers("shape")
        return (first, 1, 1, last)

    def _convolution(self, operator: Table, inputs: tuple[int, ...], made: int) -> Table:
        activation = operator.fields["builtin_options"].number("fused_activation_function")
        options = _options("Conv2DOptions", padding=VALID, stride_w=1, stride_h=1, fused_activation_function=activation)
        return table("Operator", opcode_index=self._conv, inputs=inputs, outputs=(made,), **options)

    def _reshaped(self, given: int, made: int) -> Table:
        options = _options("ReshapeOptions", new_shape=self._tensors[made].numbers("shape"))
        return table("Operator", opcode_index=self._reshape, inputs=(given,), outputs=(made,), **options)


def _options(kind: str, **fields: Any) -> dict[str, Any]:
    number = schema().unions["BuiltinOptions"].index(kind)
    return {"builtin_options_type": number, "builtin_options": table(kind, **fields)}


def _code(codes: list[Table], name: str, version: int) -> int:
    """The number of an operator's code, which is added; equal ones become one when the file is written."""
    number = BUILTIN_OPERATORS.index(name)
    codes.append(table("OperatorCode", deprecated_builtin_code=number, builtin_code=number, version=version))
    return len(codes) - 1
