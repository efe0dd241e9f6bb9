"""What an output of a `.tflite` ends in: a softmax, a sigmoid, or neither; read from its operators and its scale."""

from __future__ import annotations

from edgekit.tflite.model import Operator, Tensor, TfliteModel
from edgekit.values import Ends

_HAND_ON = ("QUANTIZE", "DEQUANTIZE", "RESHAPE", "TRANSPOSE", "SQUEEZE", "EXPAND_DIMS", "CAST")
"""Operators that pass on the values of their first input."""
MOST_BEHIND = 200
"""So many tensors behind an output are looked at."""
_ENDS: dict[str, Ends] = {"SOFTMAX": "softmax", "LOGISTIC": "sigmoid"}
_SCALES = {"int8": (1 / 256, -128), "uint8": (1 / 256, 0), "int16": (1 / 32768, 0)}
"""Scale and zero point that TFLite prescribes for values from 0 to 1 (its 8-bit quantization specification, Softmax and
Logistic), whatever operators compute them."""


def ends_of(model: TfliteModel) -> tuple[Ends, ...]:
    """What each output of a file ends in, in the file's order."""
    makers = {index: operator for operator in model.operators for index in operator.outputs}
    return tuple(_ends(model, makers, index, index, {}) for index in model.outputs)


def _ends(model: TfliteModel, makers: dict[int, Operator], index: int, output: int, known: dict[int, Ends]) -> Ends:
    """What an output ends in from one tensor on; `known` holds each tensor that was looked at, so that a circle in a damaged file ends."""
    if index in known or len(known) == MOST_BEHIND:
        return known.get(index, "linear")
    known[index] = "linear"
    known[index] = _found(model, makers, index, output, known)
    return known[index]


def _found(model: TfliteModel, makers: dict[int, Operator], index: int, output: int, known: dict[int, Ends]) -> Ends:
    tensor, maker = model.tensors[index], makers.get(index)
    if maker is not None and maker.name in _ENDS:
        found = _ENDS[maker.name]
        # a softmax sums to 1 along its last axis; after a reshape of that axis it does so no longer
        is_whole = tensor.shape[-1:] == model.tensors[output].shape[-1:]
        return found if found == "sigmoid" or is_whole else "linear"
    if _is_scaled_for_shares(tensor):
        return "softmax" if tensor.shape and len(tensor.shape) > 1 and tensor.shape[-1] > 1 else "sigmoid"
    if maker is not None and maker.name in _HAND_ON and maker.inputs and maker.inputs[0] >= 0:
        return _ends(model, makers, maker.inputs[0], output, known)
    if maker is not None and maker.name == "CONCATENATION":
        kinds = {_ends(model, makers, part, output, known) for part in maker.inputs if part >= 0}
        return "sigmoid" if kinds == {"sigmoid"} else "linear"
    return "linear"


def _is_scaled_for_shares(tensor: Tensor) -> bool:
    scale, zero_point = _SCALES.get(tensor.dtype, (None, None))
    return scale is not None and tensor.scale == scale and tensor.zero_point == zero_point
