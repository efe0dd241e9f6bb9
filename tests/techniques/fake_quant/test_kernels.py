"""Kernels are rounded on the grid that TFLite gives them, and gradients pass."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgekit.techniques.fake_quant.kernels import rounded, roundings

pytestmark = pytest.mark.tf
BUILT = {
    "Conv2D": ({"filters": 5, "kernel_size": 3}, (None, 8, 8, 4), [3]),
    "DepthwiseConv2D": ({"kernel_size": 3, "depth_multiplier": 2}, (None, 8, 8, 4), [2, 3]),
    "Conv2DTranspose": ({"filters": 5, "kernel_size": 3}, (None, 8, 8, 4), [2]),
    "Dense": ({"units": 5}, (None, 8), [1]),
    "EinsumDense": ({"equation": "abc,cde->abde", "output_shape": (None, 3, 2)}, (None, 6, 4), [1, 2]),
    "GRU": ({"units": 5}, (None, 6, 4), [1]),
}


@pytest.mark.parametrize("kind", sorted(BUILT))
def test_a_channel_has_a_scale_of_its_own(tools: Any, kind: str) -> None:
    """Each of its weights is a multiple of a 127th of the largest; the channels are those of the operator in the file."""
    settings, shape, channels = BUILT[kind]
    layer = getattr(tools.keras3.layers, kind)(**settings)
    layer.build(shape)
    found = roundings(layer)
    assert found and all(one.shape == tuple(one.variable.shape) for one in found)
    for one in found:
        assert [axis for axis in range(len(one.shape)) if axis not in one.axes] == channels
        array = np.asarray(one.variable)
        made = np.asarray(rounded(tools.tf, tools.tf.constant(array), one))
        scale = np.abs(array).max(axis=one.axes, keepdims=True) / 127
        np.testing.assert_allclose(made / scale, np.round(made / scale), atol=1e-3)
        assert np.abs(made - array).max() <= scale.max() / 2 * 1.001
        np.testing.assert_allclose(rounded(tools.tf, tools.tf.constant(made), one), made, atol=1e-7)


def test_a_gate_of_an_lstm_has_one_scale(tools: Any) -> None:
    """Its fused operator has a kernel for each gate, with a scale for the whole."""
    layer = tools.keras3.layers.LSTM(5)
    layer.build((None, 6, 3))
    kernel = next(one for one in roundings(layer) if one.variable.shape == (3, 20))
    array = np.arange(60, dtype="float32").reshape(3, 20) - 30
    made = np.asarray(rounded(tools.tf, tools.tf.constant(array), kernel)).reshape(3, 4, 5)
    scales = np.abs(array.reshape(3, 4, 5)).max(axis=(0, 2), keepdims=True) / 127
    np.testing.assert_allclose(made / scales, np.round(made / scales), atol=1e-3)


def test_zeros_stay_zeros_and_gradients_pass(tools: Any) -> None:
    """What was pruned is kept, also where a whole channel is zero."""
    tf, layer = tools.tf, tools.keras3.layers.Dense(3)
    layer.build((None, 4))
    (one,) = roundings(layer)
    kernel = tf.Variable([[0.0, 0.3, 0.0], [0.0, 0.0, 2.0], [0.0, -0.1, 1.0], [0.0, 0.7, 0.0]])
    with tf.GradientTape() as tape:
        made = rounded(tf, kernel, one)
        loss = tf.reduce_sum(made * tf.constant([1.0, 2.0, 3.0]))
    assert ((np.asarray(made) == 0) == (kernel.numpy() == 0)).all()
    np.testing.assert_allclose(tape.gradient(loss, kernel), np.tile([1.0, 2.0, 3.0], (4, 1)))


def test_layers_of_a_users_own_stay_in_float(tools: Any) -> None:
    """Also those that only hold a layer of Keras."""
    layers = tools.keras3.layers

    class Own(layers.Layer):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.dense = layers.Dense(3)

        def build(self, shape: Any) -> None:
            self.dense.build(shape)

    layer = Own()
    layer.build((None, 4))
    assert not roundings(layer)
    inside = layers.Bidirectional(layers.GRU(3))
    inside.build((None, 5, 4))
    assert len(roundings(inside)) == 4
