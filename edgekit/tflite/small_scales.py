"""Raises scales that are too small for the kernels that compute with them.

The quantizer gives a value that is zero in all of calibration (a step of padding that no sample reaches, a ReLU that is never above zero) a scale of
1e-6 / 255, and one that is nearly zero a scale as small. XNNPACK bounds the ratio of the scales around an operator. Beyond the bounds it refuses the
model, or ends the process with a double free (LiteRT 2.3). Such a value is less than a 512th of a step of what it is added to, so that a larger scale loses nothing.

The bounds are those of XNNPACK's `src/subgraph` and `src/operators`: of an addition 2^-10 to 2^8, of a product 2^-16 to 2^8, of a
layer with a kernel below 2^8.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping

from edgekit.tflite.model import TfliteModel
from edgekit.tflite.reader import parse_tflite
from edgekit.tflite.rescaled import KERNELS, bound, fixed, rescaled
from edgekit.tflite.scaled import Scaled, scaled_tensors

LARGEST_OF_ZERO = 1e-8
"""No range but one of nothing has a scale this small: 255 steps of it are 2.5e-6."""
SUMS, PRODUCTS = ("ADD", "SUB"), ("MUL",)
LEAST_OF_SUM, LEAST_OF_PRODUCT, MOST = 2.0**-9, 2.0**-15, 2.0**7
"""The bounds, each half or double what XNNPACK takes."""
MOST_ROUNDS = 20
"""Each raised scale may ask for another; the bounds are met after two or three rounds."""


def raised_small_scales(content: bytes) -> bytes:
    """The file with these scales raised, and with the constants and biases that are in their steps; its length stays, unless constants share their bytes.

    A scale stays where an operator of another kind has biases in its steps.
    """
    model = parse_tflite(content, where="the converted model")
    scaled = scaled_tensors(content, model)
    before = {
        index: one.scales[0]
        for index, one in enumerate(scaled)
        if one.dtype in ("int8", "int16") and len(one.scales) == 1 and one.scales[0] > 0  # 0: a constant of zeros alone
    }
    after = _raised(model, before, _weights(model, scaled))
    return rescaled(content, model, scaled, {index: after[index] for index in after if after[index] != before[index]})


def _raised(model: TfliteModel, before: Mapping[int, float], weights: Mapping[int, float]) -> dict[int, float]:
    """Every scale after it: values of nothing have the middle one, others the least that suffices."""
    scales, kept = dict(before), fixed(model, before)
    common = [scale for index, scale in before.items() if scale > LARGEST_OF_ZERO and model.tensors[index].span is None]
    for index, scale in before.items():
        if scale <= LARGEST_OF_ZERO and index not in kept and common:
            scales[index] = statistics.median_low(common)
    for _ in range(MOST_ROUNDS):
        wanted = {
            index: scale
            for index, scale in _wanted(model, scales, weights)
            if index not in kept and scale > scales[index]
        }
        if not wanted:
            break
        for index, scale in wanted.items():
            for each in bound(model, before, index):
                scales[each] = max(scale, scales[each])
    return scales


def _wanted(
    model: TfliteModel, scales: Mapping[int, float], weights: Mapping[int, float]
) -> Iterator[tuple[int, float]]:
    """The least scales that the operators compute with."""
    for operator in model.operators:
        first, *rest = operator.inputs[:2]
        made = operator.outputs[0]
        if made not in scales or first not in scales:
            continue
        if operator.name in KERNELS:
            yield made, scales[first] * weights.get(rest[0], 0.0) / MOST
        elif operator.name in (*SUMS, *PRODUCTS) and rest[0] in scales:
            both = scales[first], scales[rest[0]]
            if operator.name in SUMS:
                yield made, max(both) / MOST
                yield from ((index, scales[made] * LEAST_OF_SUM) for index in (first, rest[0]))
            else:
                yield made, both[0] * both[1] / MOST
                least = scales[made] * LEAST_OF_PRODUCT
                yield min(zip(both, (first, rest[0]), strict=True))[1], least / max(both)


def _weights(model: TfliteModel, scaled: list[Scaled]) -> dict[int, float]:
    """The largest scale of each kernel."""
    kernels = {operator.inputs[1] for operator in model.operators if operator.name in KERNELS}
    return {index: max(scaled[index].scales) for index in kernels if scaled[index].scales}
