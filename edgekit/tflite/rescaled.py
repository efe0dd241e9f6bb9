"""Other scales for the values of a quantized file, with the constants and biases that are in their steps: the rest of the file stays."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from edgekit.tflite.model import ABSENT, Operator, Tensor, TfliteModel
from edgekit.tflite.patched import patched
from edgekit.tflite.scaled import Scaled
from edgekit.tflite.stored_apart import stored_apart

KERNELS = ("FULLY_CONNECTED", "CONV_2D", "DEPTHWISE_CONV_2D")
BIAS = 2
"""The place of the bias among the inputs of a layer with a kernel: its steps are those of the input times those of the weights."""
WIDE: dict[str, np.dtype[Any]] = {"int32": np.dtype("<i4"), "int64": np.dtype("<i8")}


def rescaled(
    content: bytes,
    model: TfliteModel,
    scaled: list[Scaled],
    scales: Mapping[int, float],
    zero_points: Mapping[int, int] = MappingProxyType({}),
) -> bytes:
    """The file with these scales, by tensor; its length stays, unless constants share their bytes with others.

    `scaled` are the tensors of `model`, which was parsed from `content`; `zero_points` are those of values that are no constants.
    """
    factors = {index: scale / scaled[index].scales[0] for index, scale in scales.items()}
    factors |= _of_biases(model, scaled, factors)
    constants = {
        index: _in_larger_steps(content, model.tensors[index], factor)
        for index, factor in factors.items()
        if model.tensors[index].span is not None
    }
    found = {index: [scale * factor for scale in scaled[index].scales] for index, factor in factors.items()}
    if any(_is_shared(model, index, array) for index, array in constants.items()):
        return stored_apart(content, constants, found, zero_points, where="the converted model")
    made = bytearray(patched(content, model, constants))
    for index, one in found.items():
        scaled[index].write(made, one, zero_points.get(index))
    return bytes(made)


def bound(model: TfliteModel, scales: Mapping[int, float], index: int) -> set[int]:
    """The values that have to keep the scale of one: those of its scale and zero point that operators move it to or from."""
    one, found, new = model.tensors[index], {index}, {index}
    while new:
        beside = {
            each
            for operator in model.operators
            if new & {*operator.inputs, *operator.outputs}
            for each in (*operator.inputs, *operator.outputs)
        }
        new = {
            each
            for each in beside - found
            if each in scales and scales[each] == scales[index] and model.tensors[each].zero_points == one.zero_points
        }
        found |= new
    return found


def fixed(model: TfliteModel, scales: Mapping[int, float]) -> set[int]:
    """The values that an operator has biases for that are not known here, and those that are bound to them."""
    wide = {tensor.index for tensor in model.tensors if tensor.dtype in WIDE and tensor.scales}
    kept = {
        index for operator in model.operators if operator.name not in KERNELS and wide & set(operator.inputs)
        for index in operator.inputs if index in scales
    }  # fmt: skip
    return {each for index in kept for each in bound(model, scales, index)}


def _of_biases(model: TfliteModel, scaled: list[Scaled], factors: Mapping[int, float]) -> dict[int, float]:
    """By how much the steps of biases grow, of layers with a kernel whose input's do."""
    return {
        operator.inputs[BIAS]: factors[operator.inputs[0]]
        for operator in model.operators
        if operator.name in KERNELS and operator.inputs[0] in factors and _biases(operator, scaled)
    }


def _biases(operator: Operator, scaled: list[Scaled]) -> bool:
    """Whether a layer with a kernel has a bias in steps of its input."""
    place = operator.inputs[BIAS] if len(operator.inputs) > BIAS else ABSENT
    return place != ABSENT and scaled[place].dtype in WIDE and bool(scaled[place].scales)


def _in_larger_steps(content: bytes, tensor: Tensor, factor: float) -> np.ndarray:
    """The values of a constant in steps that are larger by a factor."""
    assert tensor.span is not None, "a constant has bytes"
    start, size = tensor.span
    dtype = WIDE.get(tensor.dtype) or np.dtype(tensor.dtype)
    zero_point = 0 if tensor.dtype in WIDE else tensor.zero_points[0]
    steps = np.frombuffer(content, dtype, size // dtype.itemsize, start).astype(np.float64) - zero_point
    return (np.round(steps / factor) + zero_point).astype(dtype)


def _is_shared(model: TfliteModel, index: int, array: np.ndarray) -> bool:
    """Whether a constant's bytes, which change, are those of other tensors too."""
    span = model.tensors[index].span
    assert span is not None, "a constant has bytes"
    is_alone = sum(tensor.span == span for tensor in model.tensors) == 1
    return not is_alone and model.content[span[0] : span[0] + span[1]] != array.tobytes()
