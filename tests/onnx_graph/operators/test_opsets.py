"""Operators whose meaning or form changed between opsets, each in a network of its opset, against onnxruntime."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.tf
OPSETS = (9, 10, 13, 17, 18, 21, 22)
"""18 stands beside 21 for GroupNormalization, whose scale was one a group."""


def settings(model: Any, name: str, values: list[int], since: int) -> tuple[list[str], dict[str, Any]]:
    """Integers as an attribute, or from an opset on as a constant input."""
    if model.opset < since:
        return [], {name: values}
    return [model.constant(np.array(values, np.int64))], {}


def shares(model: Any, x: str) -> list[str]:
    """Softmax without an axis: before opset 13 over all axes from the second on, then over the last."""
    return [model.node("Softmax", x), model.node("LogSoftmax", x), model.node("Softmax", x, axis=2)]


def cut_and_padded(model: Any, x: str) -> list[str]:
    """Slice and Pad: attributes, then inputs; axes of a Pad since 18."""
    if model.opset < 10:
        cut = model.node("Slice", x, axes=[2, 3], starts=[1, -4], ends=[5, 2**31])
    else:
        places = [[1, -4], [5, 2**31], [2, 3], [2, 1]]
        cut = model.node("Slice", x, *(model.constant(np.array(one, np.int64)) for one in places))
    if model.opset < 11:
        pads: list[str] = []
        given: dict[str, Any] = {"pads": [0, 0, 1, 2, 0, 0, 0, 1], "value": 0.5}
    else:
        pads, given = [model.constant(np.array([0, 0, 1, 2, 0, 0, 0, 1])), model.constant(np.float32(0.5))], {}
    made = [cut, model.node("Pad", x, *pads, **given)]
    if model.opset >= 18:
        pads = [model.constant(np.array([2, 1])), "", model.constant(np.array([3]))]
        made.append(model.node("Pad", x, *pads, mode="reflect"))
    return made


def named_anew(model: Any, x: str) -> list[str]:
    """Squeeze, Unsqueeze and Split with their settings in either form; pieces that are not equal since 18."""
    mean = model.node("GlobalAveragePool", x)
    inputs, given = settings(model, "axes", [2, 3], since=13)
    flat = model.node("Squeeze", mean, *inputs, **given)
    inputs, given = settings(model, "axes", [0, 2], since=13)
    made = [model.node("Unsqueeze", flat, *inputs, **given)]
    inputs, given = settings(model, "split", [1, 3], since=13)
    made += model.node("Split", x, *inputs, outputs=2, axis=1, **given)
    if model.opset >= 18:
        made += model.node("Split", x, outputs=4, axis=3, num_outputs=4)
    else:
        made += model.node("Split", x, outputs=3, axis=2)
    return made


def reduced(model: Any, x: str) -> list[str]:
    """ReduceSum takes its axes as an input since 13, ReduceMean and the like since 18; none at all are all of them."""
    made = []
    for operator, since in (("ReduceSum", 13), ("ReduceMean", 18), ("ReduceMax", 18), ("ReduceL2", 18)):
        inputs, given = settings(model, "axes", [1, 3], since=since)
        made.append(model.node(operator, x, *inputs, keepdims=0, **given))
    if model.opset >= 13:
        made.append(model.node("ReduceSum", x, noop_with_empty_axes=1))
    return made


def limited(model: Any, x: str) -> list[str]:
    """Clip with its ends as attributes, then as inputs that may be left out."""
    if model.opset < 11:
        return [
            model.node("Clip", x, min=-0.5, max=0.25),
            model.node("Clip", x, max=0.25),
            model.node("Clip", x, min=0.0),
        ]
    low, high = (model.constant(np.float32(end)) for end in (-0.5, 0.25))
    zero = model.constant(np.float32(0))
    return [model.node("Clip", x, low, high), model.node("Clip", x, "", high), model.node("Clip", x, zero)]


def resized(model: Any, x: str) -> list[str]:
    """Upsample until 9; Resize of 10 without settings; from 11 on with a mode of coordinates, and sizes in place of scales."""
    scales = model.constant(np.array([1, 1, 2, 2], np.float32))
    if model.opset < 11:
        operator = "Upsample" if model.opset < 10 else "Resize"
        return [model.node(operator, x, scales, mode=mode) for mode in ("nearest", "linear")]
    made = [
        model.node("Resize", x, "", scales, mode=mode, coordinate_transformation_mode=how)
        for mode, how in (("nearest", "asymmetric"), ("linear", "half_pixel"), ("linear", "align_corners"))
    ]
    sizes = model.constant(np.array([1, 4, 9, 12], np.int64))
    return [
        *made,
        model.node("Resize", x, "", "", sizes, mode="linear", coordinate_transformation_mode="pytorch_half_pixel"),
    ]


def normal(model: Any, x: str) -> list[str]:
    """BatchNormalization and Dropout of evaluation; layer and group normalization where the opset has them."""
    weights = [model.constant(np.linspace(low, 1, 4).astype(np.float32)) for low in (0.5, -1, -0.5, 0.3)]
    made = [model.node("BatchNormalization", x, *weights, epsilon=1e-3)]
    dropped = (
        model.node("Dropout", x, ratio=0.3)
        if model.opset < 12
        else model.node("Dropout", x, model.constant(np.float32(0.3)))
    )
    made.append(model.node("InstanceNormalization", dropped, *weights[:2]))
    if model.opset >= 17:
        scale = model.constant(np.linspace(0.5, 2, 7).astype(np.float32))
        made += [
            model.node("LayerNormalization", x, scale),
            model.node("LayerNormalization", x, model.weight(4, 6, 7), axis=1),
        ]
    if model.opset >= 18:
        each = 2 if model.opset < 21 else 4
        pair = [model.constant(np.linspace(low, 1, each).astype(np.float32)) for low in (0.5, -1)]
        made.append(model.node("GroupNormalization", x, *pair, num_groups=2))
    return made


def activated(model: Any, x: str) -> list[str]:
    """HardSwish since 14 and Gelu since 20; before, what exporters write in their place."""
    if model.opset >= 14:
        made = [model.node("HardSwish", x)]
    else:
        made = [model.node("Mul", x, model.node("HardSigmoid", x, alpha=1 / 6, beta=0.5))]
    if model.opset >= 20:
        return [*made, model.node("Gelu", x), model.node("Gelu", x, approximate="tanh")]
    half, one, root = (model.constant(np.float32(value)) for value in (0.5, 1, np.sqrt(2)))
    error = model.node("Add", model.node("Erf", model.node("Div", x, root)), one)
    return [*made, model.node("Mul", model.node("Mul", x, error), half)]


FAMILIES: tuple[Callable[[Any, str], list[str]], ...] = (
    shares, cut_and_padded, named_anew, reduced, limited, resized, normal, activated,
)  # fmt: skip


@pytest.mark.parametrize("opset", OPSETS)
def test_operators_mean_what_their_opset_says(small, imported_alike, opset):
    model = small(opset)
    x = model.entry(1, 4, 6, 7)
    outputs = [output for family in FAMILIES for output in family(model, x)]
    found = imported_alike(model, *outputs)
    assert len(found.outputs) == len(outputs)
