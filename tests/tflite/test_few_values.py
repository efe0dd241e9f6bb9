"""Zeros and repeated values are seen in float kernels, and in nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit.tflite.few_values import zeros_and_values
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.patched import patched
from edgekit.tflite.reader import parse_tflite, read_tflite
from edgekit.tflite.weights import kernels

GOLDEN = Path(__file__).parent.parent / "golden"


def dense(model: TfliteModel) -> tuple[float, int | None]:
    """Of the kernel of 8 channels of 144 weights."""
    (found,) = (one for one in kernels(model) if one.array.size == 8 * 144)
    return zeros_and_values(model, [model.tensors[found.index]], found.channel_axis)


@pytest.mark.parametrize(("stem", "values"), [("float32", None), ("clustered_float32", 4), ("int8", None)])
def test_few_values_are_those_of_a_clustered_kernel(stem, values):
    assert dense(read_tflite(GOLDEN / f"{stem}.tflite")) == (0.0, values)


def test_zeros_are_counted_and_a_channel_of_few_weights_tells_nothing():
    model = read_tflite(GOLDEN / "float32.tflite")
    (whole,) = (one for one in kernels(model) if one.array.size == 8 * 144)
    array = whole.array.copy()
    array[:, :112] = 0
    made = parse_tflite(patched(model.content, model, {whole.index: array}), where="pruned")
    assert dense(made) == (pytest.approx(112 / 144), 33), "32 values that are not zero, and zero"
    array[:, :110] = np.arange(110)
    made = parse_tflite(patched(model.content, model, {whole.index: array}), where="many values")
    assert dense(made) == (pytest.approx(3 / 144), None), "of zeros, that of the range and two that are left"
    assert zeros_and_values(model, [], 0) == (0.0, None)
