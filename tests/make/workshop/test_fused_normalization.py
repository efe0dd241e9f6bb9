"""The fused kernel normalises, learns and remembers as Keras 3's own arithmetic does."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.make.workshop.door import door
from edgekit.make.workshop.fused_normalization import fused_normalization

pytestmark = pytest.mark.tf


def network(**settings):
    keras = door().keras3
    keras.utils.set_random_seed(0)
    inputs = keras.Input((4, 4, 3))
    outputs = keras.layers.BatchNormalization(**settings)(inputs)
    return keras.Model(inputs, outputs)


def step(model, x, *, fused):
    """The outputs in training, the gradients, and the weights after it."""
    tf = door().tf
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        if fused:
            with fused_normalization(door(), model):
                outputs = model(x, training=True)
        else:
            outputs = model(x, training=True)
        loss = tf.reduce_sum(outputs**3)
    variables = [x, *(weight.value for weight in model.trainable_variables)]
    return [outputs.numpy(), *(one.numpy() for one in tape.gradient(loss, variables)), *model.get_weights()]


@pytest.mark.parametrize("settings", [{}, {"scale": False, "momentum": 0.9}, {"center": False, "epsilon": 0.1}])
def test_a_step_is_the_same(settings):
    x = np.random.default_rng(0).normal(2, 3, (8, 4, 4, 3)).astype(np.float32)
    composed, fused = (step(network(**settings), x, fused=fused) for fused in (False, True))
    for one, other in zip(composed, fused, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-3)


def test_the_kernel_is_in_the_graph_in_training_alone_and_the_layer_is_left_as_it_was():
    tools, model = door(), network()
    layer = model.layers[-1]

    def operators(*, training):
        def run(x):
            with fused_normalization(tools, model):
                return model(x, training=training)

        function = tools.tf.function(run).get_concrete_function(tools.tf.TensorSpec((8, 4, 4, 3)))
        return {operator.type for operator in function.graph.get_operations()}

    assert "FusedBatchNormV3" in operators(training=True) and "FusedBatchNormV3" not in operators(training=False)
    assert "call" not in vars(layer)


@pytest.mark.parametrize("axis", [1, 2])
def test_what_the_kernel_does_not_do_stays_as_it_was(axis):
    x = np.random.default_rng(0).normal(size=(8, 4, 4, 3)).astype(np.float32)
    composed, same = (step(network(axis=axis), x, fused=fused) for fused in (False, True))
    for one, other in zip(composed, same, strict=True):
        np.testing.assert_array_equal(one, other)
