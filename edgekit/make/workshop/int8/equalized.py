"""A calibrated model with the ranges of its channels made alike, where that makes the answers of its int8 file better.

Whether it does is measured: the plain model and the equalised one are quantized, and their answers compared with the float model's on a few calibration
samples. Only a clear gain counts, since factors by channel cost steps of the weights that divide by them. The new ranges of values are those of all calibration samples.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from edgekit.make.workshop.file_model import FileModel
from edgekit.make.workshop.int8.calibrated_ends import calibrated_ends
from edgekit.make.workshop.int8.common_scales import widened
from edgekit.make.workshop.int8.mended_scales import mended_scales
from edgekit.make.workshop.int8.on_samples import Samples, error, few, in_order
from edgekit.tflite.channels.classes import Classes, channel_classes
from edgekit.tflite.channels.factors import Ranges, are_unequal, equalizing, rescaled_channels, rescaled_range
from edgekit.tflite.float_ends import with_float_ends
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.reader import parse_tflite

CLEAR = 0.7
"""The share of the plain file's error that the other's has to stay below."""
MOST_MACS = 4e10
"""On fewer samples where they would take more multiply-accumulates than that: of two or three files, and so of more than where many are tried."""
WHERE = "the calibrated model"
Quantize = Callable[[bytes], bytes]


def equalized(content: bytes, samples: Samples, quantize: Quantize) -> tuple[bytes, str]:
    """The calibrated float file with equalised channels and a note on the gain; the same bytes and an empty note where the gain is not clear.

    `quantize` makes the int8 file of such a file. Where no value has unequal channels whose factors are free, nothing is quantized.
    """
    model = parse_tflite(content, where=WHERE)
    classes = channel_classes(model)
    if not classes.of:
        return content, ""
    batch = few(model, samples, MOST_MACS)
    ranges, wanted = observed(model, classes.of, (list(one) for one in zip(*_singly(batch), strict=True)))
    if not are_unequal(classes, ranges):
        return content, ""

    def error_of(float_file: bytes) -> float:
        return _error(quantize, float_file, batch, wanted)

    plain = error_of(content)
    if math.isinf(plain) or not error_of(_rescaled(model, classes, ranges)) < CLEAR * plain:
        return content, ""
    ranges, _ = observed(model, classes.of, (in_order(model, sample) for sample in samples()))
    made = _rescaled(model, classes, ranges)
    left = error_of(made)
    return (made, _note(plain, left, len(batch[0]))) if left < CLEAR * plain else (content, "")


def _error(quantize: Quantize, float_file: bytes, batch: list[np.ndarray], wanted: list[np.ndarray]) -> float:
    """The error of the int8 file of a float one; infinite where there is none, or LiteRT does not run it: that is told by the conversion, or the measurement."""
    try:
        content = with_float_ends(mended_scales(quantize(float_file)))
        return error(FileModel(parse_tflite(content, where="an int8 file")).answers(batch), wanted)
    except (RuntimeError, ValueError):
        return math.inf


def observed(
    model: TfliteModel, values: Iterable[int], samples: Iterable[Sequence[np.ndarray]]
) -> tuple[Ranges, list[np.ndarray]]:
    """The ranges of the channels of some values over samples, each a batch of one by input, and the outputs."""
    interpreter, shapes = _keeping(model.content), {index: model.tensors[index].shape for index in values}
    ranges: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    answers: list[list[np.ndarray]] = []
    for sample in samples:
        interpreter.reset_all_variables()
        for index, array in zip(model.inputs, sample, strict=True):
            interpreter.set_tensor(index, array.astype(model.tensors[index].dtype, copy=False))
        interpreter.invoke()
        for index, shape in shapes.items():
            found = interpreter.get_tensor(index).reshape(-1, shape[-1])
            low, high = ranges.get(index, (np.inf, -np.inf))
            ranges[index] = np.minimum(low, found.min(axis=0)), np.maximum(high, found.max(axis=0))
        answers.append([interpreter.get_tensor(index) for index in model.outputs])
    return ranges, [np.concatenate(each) for each in zip(*answers, strict=True)]


def _keeping(content: bytes) -> Any:
    """An interpreter in which every value is there after a run."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    made = Interpreter(
        model_content=content,
        experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        num_threads=1,
    )
    made.allocate_tensors()
    return made


def _rescaled(model: TfliteModel, classes: Classes, ranges: Ranges) -> bytes:
    """The calibrated file with the factors that equalise these ranges, in its constants and in the ranges of its values."""
    factors = equalizing(model, classes, ranges)
    made = bytearray(rescaled_channels(model, classes, factors))
    ends = calibrated_ends(model.content)
    for index, found in classes.of.items():
        if index in ends and (factors[found] != 1).any():
            low, high = rescaled_range(found, factors, *ranges[index])
            ends[index].write(made, min(low, 0.0), max(high, 0.0))
    return widened(bytes(made))


def _singly(batch: Sequence[np.ndarray]) -> list[list[np.ndarray]]:
    """Each input's samples in batches of one."""
    return [[array[row : row + 1] for row in range(len(array))] for array in batch]


def _note(plain: float, left: float, count: int) -> str:
    samples = f"{count} calibration sample{'s' * (count > 1)}"
    return f"channel ranges are equalised: signal to rounding error of the outputs from {_db(plain)} to {_db(left)}, measured on {samples}"


def _db(error: float) -> str:
    return f"{-10 * math.log10(max(error, 1e-12)):.1f} dB"
