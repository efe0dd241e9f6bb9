"""Recurrent layers that skip masked steps are whole in int8 and answer as the model, whatever the lengths of the sequences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.tf
STEPS, FEATURES = 6, 5


@pytest.fixture(params=["any length", "none to the end"])
def sequences(request: pytest.FixtureRequest) -> np.ndarray:
    """Sequences with zeros behind their ends; of the second kind none reaches the last steps, whose values then are zero throughout."""
    draw = np.random.default_rng(0)
    x = draw.uniform(-1, 1, (32, STEPS, FEATURES)).astype("float32")
    longest = STEPS if request.param == "any length" else STEPS - 2
    x[np.arange(STEPS) >= draw.integers(2, longest + 1, (32, 1))] = 0.0
    return x


@pytest.mark.parametrize("kind", ["GRU", "LSTM", "SimpleRNN"])
def test_a_masked_layer(in_int8: Any, sequences: np.ndarray, kind: str) -> None:
    made = in_int8(
        lambda layers, x: layers.Dense(4)(getattr(layers, kind)(8)(layers.Masking()(x))),
        (STEPS, FEATURES),
        x=sequences,
        unrolled=True,
    )
    assert not {"NOT_EQUAL", "WHILE", "DEQUANTIZE"} & set(made.operators[:-1])
    assert made.signal_db() > 20


def test_a_mask_of_a_value_that_int8_does_not_meet(in_int8: Any, sequences: np.ndarray) -> None:
    """-0.777 is no multiple of the input's step: what int8 makes of it is masked all the same."""
    x = np.where(sequences == 0.0, np.float32(-0.777), sequences)
    made = in_int8(
        lambda layers, x: layers.Dense(4)(layers.GRU(8)(layers.Masking(-0.777)(x))),
        (STEPS, FEATURES),
        x=x,
        unrolled=True,
    )
    assert made.signal_db() > 20
