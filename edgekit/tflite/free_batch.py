"""Frees the batch in a file that was made for one sample: RESHAPE operators whose target shape begins with 1 get -1 there.

The file keeps its length and its answers, and an interpreter can now resize it to many samples at once, which is how
edgekit evaluates it. Anything else that fixes a batch stays.
"""

from __future__ import annotations

from edgekit.tflite.model import Operator, TfliteModel
from edgekit.tflite.reader import parse_tflite

_MINUS_ONE, _ONE = b"\xff\xff\xff\xff", b"\x01\x00\x00\x00"


def free_batch(content: bytes) -> bytes:
    """The file with every RESHAPE to `[1, ...]` changed to `[-1, ...]`, if its input has a batch of 1 too."""
    model = parse_tflite(content, where="the converted model")
    patched = bytearray(content)
    for operator in model.operators:
        start = _target(model, operator)
        if start is not None:
            patched[start : start + 4] = _MINUS_ONE
    return bytes(patched)


def _target(model: TfliteModel, operator: Operator) -> int | None:
    """Where in the file a RESHAPE's target shape is, if its batch of 1 can be freed."""
    if operator.name != "RESHAPE" or len(operator.inputs) != 2:
        return None
    operand, shape = (model.tensors[index] for index in operator.inputs)
    if shape.span is None or shape.dtype != "int32" or operand.constant or operand.shape[:1] != (1,):
        return None
    start, length = shape.span
    values = model.content[start : start + length]
    free = any(values[i : i + 4] == _MINUS_ONE for i in range(0, length, 4))
    users = {user.name for user in model.operators for index in user.inputs if model.tensors[index].span == shape.span}
    return start if length >= 8 and values[:4] == _ONE and not free and users == {"RESHAPE"} else None
