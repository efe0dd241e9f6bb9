"""Operators that stay in float32 beside integers: those whose rounding alone changes the outputs most.

The calibrated model is quantized once for each kernel that may stay, and once for the operators that numbers of many decades pass, all others left in float by their names, and its
outputs are compared with the float model's on a few calibration samples. Such errors nearly add up. So the operators that cause most of them for each of their weights are
left in float, until what is left is little or no other kernel fits into the share of the weights.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from edgekit.make.workshop.file_model import FileModel
from edgekit.make.workshop.int8.on_samples import Samples, error, few
from edgekit.tflite.between import between
from edgekit.tflite.model import Operator, TfliteModel
from edgekit.tflite.reader import parse_tflite
from edgekit.tflite.weights import kernel_tensors
from edgekit.tflite.wide import wide

MOST_MACS = 1e12
"""On fewer samples where all that is tried would take more multiply-accumulates than that: half a minute of one core. A single one may be the easiest."""
MOST_TRIED = 48
"""At most so many kernels are tried, the smallest first: those cost the least in float."""
LITTLE, ENOUGH = 0.1, 0.01
"""The share of the kernels' errors that need not be mended, where it is no more than that of the outputs' variance: 20 decibels."""
LARGEST = 1.0
"""An error as large as what the outputs tell: they are lost, and no larger one, infinite or no number at all, loses more."""


class Rounded(NamedTuple):
    """Operators by the names of their results: the weights of their kernels, and the error of the outputs where they alone are rounded."""

    names: tuple[str, ...]
    weights: int
    error: float


def chosen(found: Sequence[Rounded], most: float) -> list[str]:
    """The names of the operators that stay in float: the largest errors a weight first, no more than `most` weights together.

    What has no weights stays whatever its error; it says nothing of what is little.

    >>> one, two, three = Rounded(("one",), 10, 8.0), Rounded(("two",), 100, 8.0), Rounded(("three",), 10, 4.0)
    >>> chosen([one, two, three], 120), chosen([one, two, three], 20), chosen([one, two, three], 5)
    (['one', 'three', 'two'], ['one', 'three'], [])
    """
    names = [name for one in found if not one.weights and one.error for name in one.names]
    of_kernels = [one for one in found if one.weights]
    left = sum(one.error for one in of_kernels)
    enough, held = min(LITTLE * left, ENOUGH), 0
    for one in sorted(of_kernels, key=lambda one: (-one.error / one.weights, one.names)):
        if left > enough and held + one.weights <= most:
            names += one.names
            held, left = held + one.weights, left - one.error
    return names


def most_sensitive(content: bytes, share: float, samples: Samples, quantize: Callable[[list[str]], bytes]) -> list[str]:
    """The names of the operators that stay in float; `quantize` gives the file in which the operators of some names do.

    Where no weight may, these are the operators that numbers of many decades pass: a training that simulated their arithmetic finds it in the file.
    """
    plain = FileModel(parse_tflite(content, where="the calibrated model"))
    if not share:
        return _without_weights(plain.tflite)
    weights, whole = _weights(plain.tflite)
    most, found = share * whole, list[Rounded]()
    alone = _tried(plain.tflite, weights, most)
    names = [_result(plain.tflite, one) for one in plain.tflite.operators if one.outputs]
    batch = few(plain.tflite, samples, MOST_MACS / max(len(alone), 1))
    wanted = plain.answers(batch)
    for tried, count in alone:
        made = parse_tflite(bytes(quantize([one for one in names if one not in tried])), where="some rounded operators")
        found.append(Rounded(tried, count, min(error(FileModel(made).answers(batch), wanted, varied=True), LARGEST)))
    return _with_those_between(plain.tflite, chosen(found, most))


def _tried(
    model: TfliteModel, weights: Mapping[tuple[str, ...], int], most: float
) -> list[tuple[tuple[str, ...], int]]:
    """What to round alone, with its weights: each kernel that may stay in float, and all operators that numbers of many decades pass."""
    without = _without_weights(model)
    kernels = sorted((count, names) for names, count in weights.items() if count <= most)[:MOST_TRIED]
    return [*([(tuple(without), 0)] if without else []), *((names, count) for count, names in kernels)]


def _with_those_between(model: TfliteModel, names: list[str]) -> list[str]:
    """The names with those of the operators without a kernel between such ones."""
    places = {place for place, one in enumerate(model.operators) if one.outputs and _result(model, one) in names}
    return [*names, *(_result(model, one) for one in between(model, places) if places)]


def _without_weights(model: TfliteModel) -> list[str]:
    """The operators that numbers of many decades pass, by the names of their results."""
    return [_result(model, operator) for operator in wide(model) if operator.outputs]


def _weights(model: TfliteModel) -> tuple[dict[tuple[str, ...], int], int]:
    """How many weights the kernels of operators have, by the names of their results, and how many all kernels have.

    Operators that share a kernel stand together: one of them alone in float would store it twice.
    """
    writers = {out: operator for operator in model.operators for out in operator.outputs}
    found, each = dict[tuple[Any, ...], list[str]](), dict[Any, int]()
    for operator in model.operators:
        sizes = {tensor.span: tensor.elements for tensor, _ in kernel_tensors(model, operator, writers)}
        if operator.outputs and sum(sizes.values()):
            found.setdefault(tuple(sizes), []).append(_result(model, operator))
            each |= sizes
    return {tuple(names): sum(each[place] for place in places) for places, names in found.items()}, sum(each.values())


def _result(model: TfliteModel, operator: Operator) -> str:
    """The name of an operator's first result, by which TensorFlow's quantizer knows it."""
    return model.tensors[operator.outputs[0]].name
