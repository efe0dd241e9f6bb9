"""A kernel with NaN or infinity is refused by its layer; a file with finite kernels, or with integers, is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit.errors import ModelError
from edgekit.tflite.finite import require_finite
from edgekit.tflite.patched import patched
from edgekit.tflite.reader import parse_tflite, read_tflite
from edgekit.tflite.weights import kernels

GOLDEN = Path(__file__).parent.parent / "golden"


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_the_layer_is_named(value):
    model = read_tflite(GOLDEN / "float32.tflite")
    kernel = max(kernels(model), key=lambda one: one.array.size)
    array = kernel.array.copy()
    array[3, 7] = value
    with pytest.raises(ModelError) as caught:
        require_finite(parse_tflite(patched(model.content, model, {kernel.index: array}), where="net.tflite"))
    assert (caught.value.received, caught.value.where, caught.value.exit_code) == ("hidden", "net.tflite", 2)


@pytest.mark.parametrize("stem", ["float32", "float16", "int8", "sparse_int8", "lstm"])
def test_finite_kernels_are_taken(stem):
    require_finite(read_tflite(GOLDEN / f"{stem}.tflite"))
