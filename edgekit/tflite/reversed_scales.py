"""Gives what a REVERSE_V2 takes the scale of what it makes: its kernel moves the bytes as they are.

Where a reversed value is concatenated with others, the converter gives it the common scale, and leaves that of the value that is reversed: what
reads the outcome takes the values for others. The common range holds both.
"""

from __future__ import annotations

from edgekit.tflite.lstm_scales import REVERSE
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.reader import parse_tflite
from edgekit.tflite.rescaled import bound, fixed, rescaled
from edgekit.tflite.scaled import Scaled, scaled_tensors


def mended_reversed_scales(content: bytes) -> bytes:
    """The file in which both ends of every REVERSE_V2 have one scale and zero point.

    It stays where constants or operators of another kind depend on the scale.
    """
    model = parse_tflite(content, where="the converted model")
    scaled = scaled_tensors(content, model)
    for operator in model.operators:
        if operator.name == REVERSE and _differ(
            *(scaled[index] for index in (operator.inputs[0], operator.outputs[0]))
        ):
            mended = _with_one_scale(content, model, scaled, operator.inputs[0], operator.outputs[0])
            if mended != content:
                return mended_reversed_scales(mended)
    return content


def _differ(taken: Scaled, made: Scaled) -> bool:
    """Whether two values of one integer dtype have different steps."""
    is_integer = taken.dtype == made.dtype == "int8" and len(taken.scales) == len(made.scales) == 1
    return is_integer and (taken.scales, taken.zero_points) != (made.scales, made.zero_points)


def _with_one_scale(content: bytes, model: TfliteModel, scaled: list[Scaled], taken: int, made: int) -> bytes:
    """The file with the scale of what is made for what is taken, and for all that is bound to it."""
    scales = {index: one.scales[0] for index, one in enumerate(scaled) if one.dtype == "int8" and len(one.scales) == 1}
    places = bound(model, scales, taken)
    is_constant = any(model.tensors[index].span is not None for index in places)
    if is_constant or made in places or places & fixed(model, scales):
        return content
    zero_points = dict.fromkeys(places, scaled[made].zero_points[0])
    return rescaled(content, model, scaled, dict.fromkeys(places, scaled[made].scales[0]), zero_points)
