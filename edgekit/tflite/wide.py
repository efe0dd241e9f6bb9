"""Operators that numbers of many decades pass, without a weight of their own: what an 8-bit grid of equal steps holds worst.

A logarithm of a spectrum takes numbers from a millionth to a hundred; of 255 equal steps nearly all of them fall into the first. So it is with powers, roots and quotients,
and with what makes their numbers out of the last kernel's. Such operators are rounded together or not at all: of a real and an imaginary part, either may be zero.
"""

from __future__ import annotations

from edgekit.tflite.model import ABSENT, Operator, TfliteModel
from edgekit.tflite.weights import kernel_tensors

CURVES = ("LOG", "EXP", "POW", "SQRT", "RSQRT", "DIV", "SQUARE")
"""Operators whose results or numbers span decades."""


def wide(model: TfliteModel) -> list[Operator]:
    """The curves, and the operators before them up to the inputs and to those that have a kernel, in the order they run."""
    writers = {out: operator for operator in model.operators for out in operator.outputs}
    waiting, found = [operator for operator in model.operators if operator.name in CURVES], set[int]()
    while waiting:
        operator = waiting.pop()
        if id(operator) not in found and not kernel_tensors(model, operator, writers):
            found.add(id(operator))
            waiting += [writers[index] for index in operator.inputs if index != ABSENT and index in writers]
    return [operator for operator in model.operators if id(operator) in found]
