"""Operators without a kernel between operators in float: rounded, they would round what is computed in float on both sides.

A factor behind a logarithm, a sigmoid between a dense layer and an output: left in integers, it takes and gives 255 steps, and nothing is won by the float kernel beside it.
"""

from __future__ import annotations

from collections.abc import Collection

from edgekit.tflite.model import ABSENT, Operator, TfliteModel
from edgekit.tflite.weights import kernel_tensors


def between(model: TfliteModel, floats: Collection[int]) -> list[Operator]:
    """The operators without a kernel that take only what is in float, and give something that is taken in float or is an output, in the order they run.

    `floats` are the places in `model.operators` of those that are in float.
    """
    writers = {out: place for place, operator in enumerate(model.operators) for out in operator.outputs}
    makers = {out: operator for operator in model.operators for out in operator.outputs}
    found = set(floats)
    for place, operator in enumerate(model.operators):
        computed = [index for index in operator.inputs if index != ABSENT and not model.tensors[index].constant]
        in_float = all(writers[index] in found for index in computed if index in writers)
        if computed and in_float and not kernel_tensors(model, operator, makers):
            found.add(place)
    taken = set(model.outputs)
    for place, operator in reversed([*enumerate(model.operators)]):
        if place not in floats and not taken & set(operator.outputs):
            found.discard(place)
        if place in found:
            taken |= set(operator.inputs)
    return [operator for place, operator in enumerate(model.operators) if place in found and place not in floats]
