"""Operators that stay in float32 beside integers: those whose rounding alone changes the outputs most.

The calibrated model is quantized once for each kernel that may stay, and once for the operators that numbers of many decades pass, all others left in float by their names, and its
outputs are compared with the float model's on a few calibration samples. Such errors nearly add up. So the operators that cause most of them for each of their weights are
left in float, until what is left is little or no other kernel fits into the share of the weights.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from edgekit.make.workshop.file_model import FileModel
from edgekit.tflite.distinct_names import with_distinct_names
from edgekit.tflite.labels import printable
from edgekit.tflite.model import Operator, TfliteModel
from edgekit.tflite.reader import parse_tflite
from edgekit.tflite.weights import kernel_tensors
from edgekit.tflite.wide import wide

SAMPLES = 8
MOST_MACS = 4e9
"""On fewer samples where they would take more multiply-accumulates than that, each time an operator is tried."""
MOST_TRIED = 48
"""At most so many kernels are tried, the smallest first: those cost the least in float."""
LITTLE = 0.1
"""The share of the error that need not be mended."""
LARGEST = 1.0
"""An error as large as the outputs themselves: they are lost, and no larger one, infinite or no number at all, loses more."""
Samples = Callable[[], Iterator[dict[str, np.ndarray]]]


class Rounded(NamedTuple):
    """Operators by the names of their results: the weights of their kernels, and the error of the outputs where they alone are rounded."""

    names: tuple[str, ...]
    weights: int
    error: float


@contextlib.contextmanager
def sensitive_in_float(share: float, samples: Samples) -> Iterator[None]:
    """Within the block, TensorFlow's quantizer to int8 leaves the operators that rounding hurts most in float32, with up to a share of all weights.

    Nothing changes where the share is 0. `samples` are the calibration samples, by the names of the inputs.
    """
    if share <= 0:
        yield
        return
    module: Any = importlib.import_module("tensorflow.lite.python.lite")
    own = module._mlir_quantize

    def quantize(calibrated: bytes, *given: Any, **named: Any) -> bytes:
        content = with_distinct_names(bytes(calibrated), where="the calibrated model")
        inside = {key: value for key, value in named.items() if key not in ("input_data_type", "output_data_type")}
        left = most_sensitive(
            content, share, samples, lambda names: own(content, *given, denylisted_nodes=names, **inside)
        )
        return bytes(own(content, *given, denylisted_nodes=left, **named))

    module._mlir_quantize = quantize
    try:
        yield
    finally:
        module._mlir_quantize = own


def chosen(found: Sequence[Rounded], most: float) -> list[str]:
    """The names of the operators that stay in float: the largest errors a weight first, no more than `most` weights together.

    >>> one, two, three = Rounded(("one",), 10, 8.0), Rounded(("two",), 100, 8.0), Rounded(("three",), 10, 4.0)
    >>> chosen([one, two, three], 120), chosen([one, two, three], 20), chosen([one, two, three], 5)
    (['one', 'three', 'two'], ['one', 'three'], [])
    """
    left = sum(one.error for one in found)
    enough, held, names = LITTLE * left, 0, list[str]()
    for one in sorted(found, key=lambda one: (-one.error / max(one.weights, 1), one.names)):
        if left > enough and held + one.weights <= most:
            names += one.names
            held, left = held + one.weights, left - one.error
    return names


def most_sensitive(content: bytes, share: float, samples: Samples, quantize: Callable[[list[str]], bytes]) -> list[str]:
    """The names of the operators that stay in float; `quantize` gives the file in which the operators of some names do."""
    plain = FileModel(parse_tflite(content, where="the calibrated model"))
    (weights, whole), batch = _weights(plain.tflite), _batch(plain.tflite, samples)
    names, wanted = [_result(plain.tflite, one) for one in plain.tflite.operators if one.outputs], plain.answers(batch)
    most, found = share * whole, []
    for tried, count in _tried(plain.tflite, weights, most):
        made = parse_tflite(bytes(quantize([one for one in names if one not in tried])), where="some rounded operators")
        found.append(Rounded(tried, count, _error(FileModel(made).answers(batch), wanted)))
    return chosen(found, most)


def _tried(model: TfliteModel, weights: Mapping[str, int], most: float) -> list[tuple[tuple[str, ...], int]]:
    """What to round alone, with the weights of its kernels: each kernel that may stay in float, and all operators that numbers of many decades pass."""
    without = [_result(model, operator) for operator in wide(model) if operator.outputs]
    kernels = sorted((count, name) for name, count in weights.items() if count <= most)[:MOST_TRIED]
    return [*([(tuple(without), 0)] if without else []), *(((name,), count) for count, name in kernels)]


def _weights(model: TfliteModel) -> tuple[dict[str, int], int]:
    """How many weights the kernels of each operator have that has some, by the name of its result, and how many all kernels have: a shared one counts once."""
    writers = {out: operator for operator in model.operators for out in operator.outputs}
    found, each = {}, dict[int, int]()
    for operator in model.operators:
        sizes = {tensor.index: tensor.elements for tensor, _ in kernel_tensors(model, operator, writers)}
        if operator.outputs and sum(sizes.values()):
            found[_result(model, operator)] = sum(sizes.values())
            each |= sizes
    return found, sum(each.values())


def _result(model: TfliteModel, operator: Operator) -> str:
    """The name of an operator's first result, by which TensorFlow's quantizer knows it."""
    return model.tensors[operator.outputs[0]].name


def _batch(model: TfliteModel, samples: Samples) -> list[np.ndarray]:
    """The first samples, an array for each of the file's inputs."""
    count = max(1, min(SAMPLES, int(MOST_MACS / max(model.macs, 1))))
    taken = list(itertools.islice(samples(), count))
    return [np.concatenate([_of(sample, model, index) for sample in taken]) for index in model.inputs]


def _of(sample: dict[str, np.ndarray], model: TfliteModel, index: int) -> np.ndarray:
    """The values of an input: the only ones, or those under its name."""
    name = model.name_of(index)
    return next(iter(sample.values())) if len(sample) == 1 else sample[name if name in sample else printable(name)]


def _error(given: Sequence[np.ndarray], wanted: Sequence[np.ndarray]) -> float:
    """The squared error of the outputs, each in units of its own mean square."""
    found = 0.0
    for one, right in zip(given, wanted, strict=True):
        real = right.astype(np.float64)
        with np.errstate(all="ignore"):
            part = float(np.mean((one - real) ** 2) / max(float(np.mean(real**2)), np.finfo(np.float32).tiny))
        found += part if math.isfinite(part) else LARGEST
    return min(found, LARGEST)
