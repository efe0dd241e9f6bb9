"""Augmentation leaves nothing in what is traced, also inside of a layer that stays closed, and works again afterwards."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.tf


def test_nothing_is_drawn_while_it_is_traced() -> None:
    from edgekit.make.workshop.door import door
    from edgekit.make.workshop.silent_augmentation import silent_augmentation

    tools = door()
    keras, tf = tools.keras3, tools.tf

    class Closed(keras.layers.Layer):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.hue = keras.layers.RandomHue(0.5)

        def call(self, x: Any, training: Any = None) -> Any:
            return self.hue(x, training=training)

    entry = keras.Input((4, 4, 3))
    model = keras.Model(entry, Closed()(keras.layers.RandomSaturation(0.5)(entry)))

    def drawing() -> bool:
        function = tf.function(lambda x: model(x, training=False)).get_concrete_function(tf.TensorSpec((1, 4, 4, 3)))
        return any("Random" in one.type or "Assign" in one.type for one in function.graph.get_operations())

    assert drawing()
    with silent_augmentation(model):
        assert not drawing()
    x = np.random.default_rng(0).uniform(0, 255, (1, 4, 4, 3)).astype("float32")
    assert np.abs(np.asarray(model(x, training=True)) - x).max() > 0
