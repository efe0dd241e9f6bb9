"""Multiply-accumulates of one operator, from the shapes of its tensors.

Only sums of products count (convolutions, dense layers, matrix products, recurrent layers); elementwise operators
count nothing, as in the figures that papers and vendors publish.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

Shape = tuple[int, ...]
Shapes = Sequence["Shape | None"]

_SEQUENCE_LSTM_MATRICES = (1, 2, 3, 4, 5, 6, 7, 8, 16)
_LSTM_STEP_MATRICES = _SEQUENCE_LSTM_MATRICES
_BIDIRECTIONAL_LSTM_MATRICES = (1, 2, 3, 4, 5, 6, 7, 8, 16, 18, 19, 20, 21, 22, 23, 24, 25, 33)
_RNN_MATRICES = (1, 2)
_BIDIRECTIONAL_RNN_MATRICES = (1, 2, 5, 6)


def count(name: str, inputs: Shapes, outputs: Shapes, *, transposed: bool = False) -> int:
    """Multiply-accumulates of an operator; 0 if it multiplies nothing, or its shapes do not tell.

    `inputs` and `outputs` are shapes with the batch, None if an optional input is absent; `transposed` says
    that the first factor of BATCH_MATMUL is (.., inner, rows).

    >>> count("CONV_2D", [(1, 8, 8, 1), (4, 3, 3, 1), (4,)], [(1, 6, 6, 4)])
    1296
    """
    rule = _RULES.get(name)
    if rule is None:
        return 0
    try:
        return rule(inputs, outputs, transposed)
    except (IndexError, TypeError):  # fewer inputs or dimensions than the operator has: nothing to count
        return 0


def _convolution(inputs: Shapes, outputs: Shapes, _: bool) -> int:
    """Weights (out, height, width, in of the group): every output element sums a whole filter."""
    return prod(_shape_at(outputs, 0)) * prod(_shape_at(inputs, 1)[1:])


def _depthwise(inputs: Shapes, outputs: Shapes, _: bool) -> int:
    """Weights (1, height, width, out): every output element sums one window of one channel."""
    return prod(_shape_at(outputs, 0)) * prod(_shape_at(inputs, 1)[1:3])


def _convolution_3d(inputs: Shapes, outputs: Shapes, _: bool) -> int:
    """Weights (depth, height, width, in, out)."""
    return prod(_shape_at(outputs, 0)) * prod(_shape_at(inputs, 1)[:4])


def _transposed_convolution(inputs: Shapes, outputs: Shapes, _: bool) -> int:
    """Inputs (output shape, weights (out, height, width, in), input): every input element feeds a whole filter."""
    weights = _shape_at(inputs, 1)
    return prod(_shape_at(inputs, 2)) * prod(weights[:3])


def _transposed_convolution_3d(inputs: Shapes, outputs: Shapes, _: bool) -> int:
    """Inputs (output shape, weights (depth, height, width, out, in), input)."""
    return prod(_shape_at(inputs, 2)) * prod(_shape_at(inputs, 1)[:4])


def _dense(inputs: Shapes, outputs: Shapes, _: bool) -> int:
    """Weights (out, in)."""
    return prod(_shape_at(outputs, 0)) * _shape_at(inputs, 1)[1]


def _matrix_product(inputs: Shapes, outputs: Shapes, transposed: bool) -> int:
    """Output (.., rows, columns), each element a sum over the inner dimension of the first factor."""
    return prod(_shape_at(outputs, 0)) * _shape_at(inputs, 0)[-2 if transposed else -1]


def _recurrent(matrices: tuple[int, ...]) -> Callable[[Shapes, Shapes, bool], int]:
    """Every step of every sequence multiplies every weight matrix once; input (batch or time, time or batch, in)."""

    def rule(inputs: Shapes, outputs: Shapes, _: bool) -> int:
        present = (inputs[index] for index in matrices if index < len(inputs))
        return prod(_shape_at(inputs, 0)[:-1]) * sum(prod(shape) for shape in present if shape and len(shape) == 2)

    return rule


def _filter_memory(inputs: Shapes, outputs: Shapes, _: bool) -> int:
    """SVDF: feature weights (filters, in) and time weights (filters, memory), once for each batch."""
    return _shape_at(inputs, 0)[0] * (prod(_shape_at(inputs, 1)) + prod(_shape_at(inputs, 2)))


def _shape_at(shapes: Shapes, index: int) -> Shape:
    shape = shapes[index]
    if shape is None:
        raise TypeError
    return shape


_RULES: dict[str, Callable[[Shapes, Shapes, bool], int]] = {
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _depthwise,
    "CONV_3D": _convolution_3d,
    "CONV_3D_TRANSPOSE": _transposed_convolution_3d,
    "TRANSPOSE_CONV": _transposed_convolution,
    "FULLY_CONNECTED": _dense,
    "BATCH_MATMUL": _matrix_product,
    "LSTM": _recurrent(_LSTM_STEP_MATRICES),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _recurrent(_SEQUENCE_LSTM_MATRICES),
    "BIDIRECTIONAL_SEQUENCE_LSTM": _recurrent(_BIDIRECTIONAL_LSTM_MATRICES),
    "RNN": _recurrent(_RNN_MATRICES),
    "UNIDIRECTIONAL_SEQUENCE_RNN": _recurrent(_RNN_MATRICES),
    "BIDIRECTIONAL_SEQUENCE_RNN": _recurrent(_BIDIRECTIONAL_RNN_MATRICES),
    "SVDF": _filter_memory,
}
