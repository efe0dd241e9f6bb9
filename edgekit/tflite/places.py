"""An operator of a file in words for messages: which one, of which layer, with which dtypes.

It knows the file alone, and no runtime.
"""

from __future__ import annotations

from edgekit.tflite.labels import labels
from edgekit.tflite.model import ABSENT, Operator, TfliteModel


def place(model: TfliteModel, number: int) -> str:
    """The operator with a number, as "CONV_2D, operator 3 of 12, 'conv1' (int8, int8, int32 to int8)"."""
    operator = model.operators[number]
    label = labels(model)[number]
    named = f" {label!r}" if label else ""
    return f"{operator.name}, operator {number} of {len(model.operators)},{named} ({dtypes(model, operator)})"


def dtypes(model: TfliteModel, operator: Operator) -> str:
    """The dtypes of an operator's tensors, as 'int8, int8, int32 to int8'."""
    read = ", ".join(model.tensors[index].dtype for index in operator.inputs if index != ABSENT) or "nothing"
    written = ", ".join(model.tensors[index].dtype for index in operator.outputs) or "nothing"
    return f"{read} to {written}"


def named(model: TfliteModel, name: str) -> int | None:
    """The number of the first operator with a name; None if there is none."""
    return next((number for number, operator in enumerate(model.operators) if operator.name == name), None)
