"""Calibrated ranges are those of the values themselves, also where an operator writes over what it takes, or shares a scale with it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.tf


@pytest.fixture
def small() -> np.ndarray:
    """Samples that are far smaller than what a layer normalisation makes of them."""
    return (0.05 * np.random.default_rng(0).normal(size=(32, 8, 16))).astype("float32")


def normalised(layers: Any, x: Any) -> Any:
    return layers.Dense(4)(layers.LayerNormalization()(x))


def test_a_value_that_is_written_over_keeps_its_range(in_int8: Any, small: np.ndarray) -> None:
    """The difference from the mean, which LiteRT multiplies in place: its step is that of the samples, not that of the product."""
    made = in_int8(normalised, small.shape[1:], x=small)
    (difference,) = (one for one in made.tflite.operators if one.name == "SUB")
    scale = made.tflite.tensors[difference.outputs[0]].scales[0]
    assert scale == pytest.approx(np.ptp(small - small.mean(-1, keepdims=True)) / 255, rel=0.02)
    assert made.signal_db() > 30


def test_tensorflow_alone_takes_the_range_of_the_product(
    in_int8: Any, small: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this fails, `kept_inputs` may go."""
    import contextlib

    from edgekit.make.workshop import convert

    monkeypatch.setattr(convert, "kept_inputs", contextlib.nullcontext)
    assert in_int8(normalised, small.shape[1:], x=small).signal_db() < 25


def test_the_file_has_the_models_outputs_alone(in_int8: Any) -> None:
    """What was an output for calibration is none in the file."""
    made = in_int8(lambda layers, x: layers.Dense(4)(layers.Dense(8)(x) + layers.Dense(8)(x)), (8,))
    assert len(made.tflite.outputs) == 1
    sums = next(one for one in made.tflite.operators if one.name == "ADD")
    parts = [made.tflite.tensors[index].scales[0] for index in sums.inputs]
    assert max(parts) < made.tflite.tensors[sums.outputs[0]].scales[0]


SHARED = {
    "minimum": lambda ops, y: ops.relu(y) + ops.exp(ops.minimum(y, 0.0)),
    "maximum": lambda ops, y: ops.concatenate([ops.maximum(y, 0.9), y], axis=-1),
    "where": lambda ops, y: ops.concatenate([ops.where(y > 0.8, y, 0.8), y * 0.5], axis=-1),
    "moved": lambda ops, y: ops.concatenate([ops.minimum(y[:, :4], -0.5), y], axis=-1),
    "log of a sum of exponentials": lambda ops, y: ops.logsumexp(y, axis=-1, keepdims=True),
}


@pytest.mark.parametrize("name", sorted(SHARED))
def test_what_is_taken_elsewhere_too_is_not_cut_off(tools: Any, in_int8: Any, name: str) -> None:
    made = in_int8(lambda layers, x: SHARED[name](tools.keras3.ops, layers.Dense(8)(x)), (8,))
    np.testing.assert_allclose(made.answers(), made.expected, atol=0.04 * np.ptp(made.expected))


@pytest.mark.parametrize("name", ["where", "log of a sum of exponentials"])
def test_tensorflow_alone_cuts_it_off(tools: Any, in_int8: Any, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """If this fails, `widened` may go."""
    from edgekit.make.workshop.int8 import calibrating

    monkeypatch.setattr(calibrating, "widened", lambda content: content)
    made = in_int8(lambda layers, x: SHARED[name](tools.keras3.ops, layers.Dense(8)(x)), (8,))
    assert np.abs(made.answers() - made.expected).max() > 0.1 * np.ptp(made.expected)
