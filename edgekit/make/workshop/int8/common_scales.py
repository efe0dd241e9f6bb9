"""Wider ranges for operators that have one scale with all that they take.

The quantizer gives the inputs of MINIMUM, MAXIMUM, SELECT and CONCATENATION the scale of the output. Where such a value is taken elsewhere too, it is cut off there, as
x in `relu(x) + exp(minimum(x, 0))`, whose positive values all become zero. Operators that move values hand that on to what they move.
So the output's calibrated range is widened by that of each such value: nothing is cut off, for a coarser step.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from edgekit.make.workshop.int8.calibrated_ends import calibrated_ends
from edgekit.tflite.model import Operator, TfliteModel
from edgekit.tflite.reader import parse_tflite

CHOOSE = frozenset({"MINIMUM", "MAXIMUM", "SELECT", "SELECT_V2", "PADV2", "CONCATENATION", "PACK"})
MOVE = frozenset({
    "RESHAPE", "SQUEEZE", "EXPAND_DIMS", "TRANSPOSE", "SLICE", "STRIDED_SLICE", "SPLIT", "SPLIT_V", "UNPACK", "REDUCE_MAX", "REDUCE_MIN", "MAX_POOL_2D", "PAD",
    "MIRROR_PAD", "GATHER", "GATHER_ND", "TILE", "BROADCAST_TO", "RESIZE_NEAREST_NEIGHBOR", "REVERSE_V2", "SPACE_TO_DEPTH", "DEPTH_TO_SPACE",
})  # fmt: skip
"""Operators whose output has the scale of the one value that they take."""


def widened(content: bytes) -> bytes:
    """The calibrated file with these ranges; its length and all other bytes stay."""
    model = parse_tflite(content, where="the calibrated model")
    ends = calibrated_ends(content)
    made, makers = bytearray(content), {index: operator for operator in model.operators for index in operator.outputs}
    users = Counter(index for operator in model.operators for index in set(operator.inputs))
    for operator in model.operators:
        if operator.name not in CHOOSE or operator.outputs[0] not in ends:
            continue
        one = ends[operator.outputs[0]]
        beside = [ends[index] for index in _taken_elsewhere(model, operator, makers, users) if index in ends]
        one.write(made, min(each.low for each in (one, *beside)), max(each.high for each in (one, *beside)))
    return bytes(made)


def _taken_elsewhere(
    model: TfliteModel, operator: Operator, makers: Mapping[int, Operator], users: Mapping[int, int]
) -> set[int]:
    """The values that have to have the scale of an operator's output, and that something else takes, or what was moved from them."""
    found, seen = set(), set()
    left = [(index, False) for index in operator.inputs]
    while left:
        index, elsewhere = left.pop()
        if index < 0 or model.tensors[index].span is not None or (index, elsewhere) in seen:
            continue
        seen.add((index, elsewhere))
        elsewhere = elsewhere or users[index] > 1
        if elsewhere:
            found.add(index)
        maker = makers.get(index)
        if maker is not None and maker.name in MOVE | CHOOSE:
            left += [(each, elsewhere) for each in maker.inputs]
    return found
