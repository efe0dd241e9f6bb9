"""Layers of Keras 3 in few operators while a model is converted: the same values, without the operators that are not needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.tf

FORMS: dict[str, tuple[Callable[[Any], Any], tuple[int, ...], set[str]]] = {
    "embedding": (lambda ks: ks.Embedding(9, 4), (6,), {"Less", "SelectV2"}),
    "a layer at each step": (lambda ks: ks.TimeDistributed(ks.Dense(3)), (5, 4), {"Pack"}),
    "convolution at each step": (lambda ks: ks.TimeDistributed(ks.Conv2D(3, 3)), (5, 6, 6, 2), {"Pack"}),
    "up-sampling": (lambda ks: ks.UpSampling2D((2, 3)), (4, 5, 2), {"Tile"}),
    "bilinear up-sampling": (lambda ks: ks.UpSampling2D(interpolation="bilinear"), (4, 5, 2), set()),
    "repeated": (lambda ks: ks.RepeatVector(3), (4,), {"StridedSlice"}),
    "unit length": (lambda ks: ks.UnitNormalization(), (5, 4), {"Minimum"}),
    "layer normalisation": (lambda ks: ks.LayerNormalization(), (5, 4), {"Neg"}),
    "layer normalisation of two axes": (lambda ks: ks.LayerNormalization(axis=[1, 2]), (5, 4), set()),
    "plain layer normalisation": (lambda ks: ks.LayerNormalization(scale=False, center=False), (5, 4), {"Neg"}),
    "group normalisation": (lambda ks: ks.GroupNormalization(2), (5, 6, 4), {"Neg"}),
}


@pytest.mark.parametrize(("form", "shape", "gone"), FORMS.values(), ids=FORMS)
def test_it_gives_the_same_values_in_fewer_operators(form, shape, gone):
    from edgekit.make.workshop.door import door
    from edgekit.make.workshop.plain_layers import plain_layers

    tools = door()
    tools.fresh(0)
    tf, keras = tools.tf, tools.keras3
    entry = keras.Input(shape)
    model = keras.Model(entry, form(keras.layers)(entry))
    generator = np.random.default_rng(0)
    for weight in model.weights:
        weight.assign(generator.normal(size=weight.shape))
    x = generator.uniform(0, 9, (1, *shape)).astype(np.float32)
    expected = np.asarray(model(x, training=False))

    def traced() -> Any:
        return tf.function(lambda x: model(x, training=False)).get_concrete_function(tf.TensorSpec((1, *shape)))

    with plain_layers(tools, model):
        function = traced()
    np.testing.assert_allclose(function(tf.constant(x)), expected, atol=1e-5)
    assert gone <= kinds(traced()) and not gone & kinds(function)


def kinds(function: Any) -> set[str]:
    return {operation.type for operation in function.graph.get_operations()}
