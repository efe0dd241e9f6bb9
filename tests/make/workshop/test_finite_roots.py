"""A square root of zero leaves the weights before it numbers, and its slope elsewhere is that of a root."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.tf


def test_a_step_of_training_goes_through_a_root_of_zero(tools: Any) -> None:
    from edgekit.make.workshop.train_step import TrainStep

    keras = tools.keras3
    tools.fresh(0)
    entry = keras.Input((4,))
    root = keras.ops.sqrt(keras.layers.ReLU()(keras.layers.Dense(6)(entry)))
    model = keras.Model(entry, keras.layers.Dense(1)(root))
    x = np.random.default_rng(0).standard_normal((16, 4)).astype("float32")
    assert (np.asarray(keras.Model(entry, root)(x)) == 0).any()
    before = model.get_weights()
    TrainStep(tools, model, ["mean_squared_error"]).step([x], [x[:, :1]], 1e-2)
    after = model.get_weights()
    assert all(np.isfinite(weights).all() for weights in after)
    assert all((old != new).any() for old, new in zip(before, after, strict=True))


def test_elsewhere_the_slope_is_that_of_a_root(tools: Any) -> None:
    from edgekit.make.workshop.finite_roots import finite_roots

    entry = tools.keras3.Input((3,))
    model = tools.keras3.Model(entry, tools.keras3.ops.sqrt(entry))
    x = tools.tf.constant([[4.0, 0.0, 0.25]])
    with finite_roots(tools, model), tools.tf.GradientTape() as tape:
        tape.watch(x)
        made = model(x)
    np.testing.assert_allclose(made, [[2.0, 0.0, 0.5]])
    np.testing.assert_allclose(tape.gradient(made, x), [[0.25, 0.0, 1.0]])
    np.testing.assert_allclose(model(x), made)
