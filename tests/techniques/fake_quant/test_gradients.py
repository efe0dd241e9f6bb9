"""What training sees of a simulated range: the gradient passes within it, and an output's loss is that of the value before rounding."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.make.workshop.door import door
from edgekit.techniques.fake_quant.build import fake_quantized
from edgekit.techniques.fake_quant.keras_layers import classes

pytestmark = pytest.mark.tf


def test_the_ends_of_a_range_get_no_gradient_of_their_own():
    """The largest value is the end of its own range: clipping passes a gradient to that end, which must not come back to the value."""
    tools = door()
    layer = classes(tools).range()
    x = tools.tf.constant([[0.0, 1.0, 2.0, 4.0]])
    layer(x, training=True)
    with tools.tf.GradientTape() as tape:
        tape.watch(x)
        with tools.keras3.StatelessScope():  # a model with rounded kernels is called in one
            loss = tools.tf.reduce_sum(layer(x * 8.0, training=True))
    # the range has seen 4 and 32: its mean clips the largest, and nothing else
    np.testing.assert_array_equal(tape.gradient(loss, x).numpy(), [[8.0, 8.0, 8.0, 0.0]])


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_a_probability_that_the_file_rounds_to_zero_is_no_zero_in_the_loss(activation):
    tools = door()
    keras = tools.keras3
    inputs = keras.Input((2,))
    hidden = keras.layers.Dense(2, kernel_initializer="identity", activation=activation)(inputs)
    model = keras.Model(inputs, keras.layers.Dense(2, kernel_initializer="identity", activation=activation)(hidden))
    quantized = fake_quantized(tools, model)
    fixed = [layer for layer in quantized.layers if getattr(layer, "fixed", None)]
    assert len(fixed) == 1, "the hidden one is rounded as the file rounds it"
    quantized(np.array([[0.0, 1.0]], np.float32), training=True)
    answer = np.asarray(quantized(np.array([[0.0, 1.0]], np.float32)))
    assert np.abs(answer * 256 - np.round(answer * 256)).max() > 1e-3


@pytest.mark.parametrize("activation, searched", [("relu", 1), (None, 2)])
def test_a_rectified_value_is_not_searched_for_its_least(activation, searched):
    """The input is, and what has no activation."""
    tools = door()
    inputs = tools.keras3.Input((2,))
    model = tools.keras3.Model(inputs, tools.keras3.layers.Dense(2, activation=activation)(inputs))
    quantized = fake_quantized(tools, model)
    function = tools.tf.function(lambda x: quantized(x, training=True))
    graph = function.get_concrete_function(tools.tf.TensorSpec((1, 2))).graph
    assert sum(one.type == "Min" and one.inputs[0].shape.rank == 2 for one in graph.get_operations()) == searched
    for x in ([[-1.0, 1.0]], [[3.0, -3.0]]):
        function(np.array(x, np.float32))
    assert not activation or quantized.layers[-1].low.numpy() == 0
