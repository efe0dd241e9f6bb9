"""Operators that numbers of many decades pass, without a weight of their own: what an 8-bit grid of equal steps holds worst.

A logarithm of a spectrum takes numbers from a millionth to a hundred; of 255 equal steps nearly all of them fall into the first. So it is with powers, roots and quotients,
and with what makes their numbers out of the last kernel's. Such operators are rounded together or not at all: of a real and an imaginary part, either may be zero.
"""

from __future__ import annotations

from collections.abc import Collection

from edgekit.tflite.model import ABSENT, Operator, TfliteModel

CURVES = ("LOG", "EXP", "POW", "SQRT", "RSQRT", "DIV", "SQUARE")
"""Operators whose results or numbers span decades."""


def wide(model: TfliteModel, with_weights: Collection[str]) -> list[str]:
    """The names of the curves, and of the operators before them up to those `with_weights` and the inputs, in the order they run."""
    writers = {out: operator for operator in model.operators for out in operator.outputs}
    found: set[str] = set()
    waiting = [operator for operator in model.operators if operator.name in CURVES]
    while waiting:
        operator = waiting.pop()
        name = result(model, operator)
        if name not in with_weights and name not in found:
            found.add(name)
            waiting += [writers[index] for index in operator.inputs if index != ABSENT and index in writers]
    return [name for operator in model.operators if (name := result(model, operator)) in found]


def result(model: TfliteModel, operator: Operator) -> str:
    """The name of an operator's first result, by which TensorFlow's quantizer knows it; empty where it has none."""
    return model.tensors[operator.outputs[0]].name if operator.outputs else ""
