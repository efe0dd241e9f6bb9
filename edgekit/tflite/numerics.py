"""The arithmetic that a `.tflite` file asks for: float32, float16 storage, hybrid, int8 or int16 activations.

It is decided by the types of an operator's tensors, as runtimes choose their kernels; whether a device
is fast at that arithmetic is not known here.
"""

from __future__ import annotations

from typing import Literal

from edgekit.tflite.model import ABSENT, UNPACKING, Operator, Tensor, TfliteModel
from edgekit.tflite.weights import kernel_tensors

Arithmetic = Literal["float32", "float16", "hybrid", "int8", "int16x8", "other"]
"""`float16`: float32 arithmetic on weights stored as float16; `hybrid`: float activations, integer weights, as
dynamic-range quantization makes them; `other`: integers without a scale, text, booleans."""

QUANTIZING = ("QUANTIZE", "DEQUANTIZE", "FAKE_QUANT")
_INTEGERS = ("int8", "uint8", "int4", "uint4", "int2")
_FLOATS = ("float32", "float16", "float64", "bfloat16")


def arithmetic(model: TfliteModel) -> tuple[Arithmetic, ...]:
    """The arithmetic of each operator, in the order of `model.operators`."""
    writers = {out: operator for operator in model.operators for out in operator.outputs}
    return tuple(_arithmetic_of(model, operator, writers) for operator in model.operators)


def dominant_arithmetic(model: TfliteModel) -> Arithmetic:
    """The arithmetic of most multiply-accumulates; if there are none, of most operators."""
    weight: dict[Arithmetic, tuple[int, int]] = {}
    for operator, kind in zip(model.operators, arithmetic(model), strict=True):
        macs, count = weight.get(kind, (0, 0))
        weight[kind] = (macs + operator.macs, count + 1)
    return max(weight, key=lambda kind: weight[kind], default="other")


def float_operators(model: TfliteModel) -> tuple[Operator, ...]:
    """Operators other than QUANTIZE and DEQUANTIZE that read or write a floating-point tensor."""
    return tuple(
        operator
        for operator in model.operators
        if operator.name not in (*QUANTIZING, *UNPACKING)
        and any(tensor.dtype in _FLOATS for tensor in _tensors(model, operator))
    )


def casts_of_inputs(model: TfliteModel) -> tuple[Operator, ...]:
    """The CAST operators that make integers at the model's inputs float, where what they make is only quantized.

    Such a pair quantizes an input of bytes as a QUANTIZE does one of float32: the converter writes it for a model that takes uint8.
    """
    users = {index: [one.name for one in model.operators if index in one.inputs] for index in range(len(model.tensors))}
    return tuple(
        operator
        for operator in model.operators
        if operator.name == "CAST"
        and set(operator.inputs) <= set(model.inputs)
        and all(set(users[index]) == {"QUANTIZE"} and index not in model.outputs for index in operator.outputs)
    )


def _arithmetic_of(model: TfliteModel, operator: Operator, writers: dict[int, Operator]) -> Arithmetic:
    if operator.name in (*QUANTIZING, *UNPACKING):
        return "other"
    data = [tensor for tensor in _tensors(model, operator) if not tensor.constant]
    if _have_types(data, _FLOATS):
        stored = [tensor.dtype for tensor, _ in kernel_tensors(model, operator, writers)]
        dequantized = any(through for _, through in kernel_tensors(model, operator, writers))
        if "float16" in stored:
            return "float16"
        return "hybrid" if not dequantized and _has_integer_weights(model, operator) else "float32"
    if any(tensor.dtype == "int16" and tensor.scales for tensor in data):
        return "int16x8"
    return "int8" if any(tensor.dtype in _INTEGERS and tensor.scales for tensor in data) else "other"


def _have_types(tensors: list[Tensor], types: tuple[str, ...]) -> bool:
    return any(tensor.dtype in types for tensor in tensors)


def _has_integer_weights(model: TfliteModel, operator: Operator) -> bool:
    """Whether its weights are integers, as in dynamic-range quantization."""
    return any(t.constant and t.scales and t.dtype in _INTEGERS for t in _tensors(model, operator))


def _tensors(model: TfliteModel, operator: Operator) -> list[Tensor]:
    return [model.tensors[index] for index in (*operator.inputs, *operator.outputs) if index != ABSENT]
