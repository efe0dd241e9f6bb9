"""Operators that stay in float32 beside integers: those whose rounding alone changes the outputs most.

The calibrated model is quantized once for each kernel that may stay, and once for the operators that numbers of many decades pass, all others left in float by their names, and its
outputs are compared with the float model's on a few calibration samples. Such errors nearly add up. So the operators that cause most of them for each of their weights are
left in float, until what is left is little or no other kernel fits into the share of the weights.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from edgekit.make.workshop.file_model import FileModel
from edgekit.make.workshop.int8.on_samples import Samples, error, few
from edgekit.tflite.model import Operator, TfliteModel
from edgekit.tflite.reader import parse_tflite
from edgekit.tflite.weights import kernel_tensors
from edgekit.tflite.wide import wide

MOST_TRIED = 48
"""At most so many kernels are tried, the smallest first: those cost the least in float."""
LITTLE = 0.1
"""The share of the error that need not be mended."""
LARGEST = 1.0
"""An error as large as the outputs themselves: they are lost, and no larger one, infinite or no number at all, loses more."""


class Rounded(NamedTuple):
    """Operators by the names of their results: the weights of their kernels, and the error of the outputs where they alone are rounded."""

    names: tuple[str, ...]
    weights: int
    error: float


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
    (weights, whole), batch = _weights(plain.tflite), few(plain.tflite, samples)
    names, wanted = [_result(plain.tflite, one) for one in plain.tflite.operators if one.outputs], plain.answers(batch)
    most, found = share * whole, []
    for tried, count in _tried(plain.tflite, weights, most):
        made = parse_tflite(bytes(quantize([one for one in names if one not in tried])), where="some rounded operators")
        found.append(Rounded(tried, count, min(error(FileModel(made).answers(batch), wanted), LARGEST)))
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
