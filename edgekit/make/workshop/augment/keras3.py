"""Augmentation layers of Keras 3 that tf_keras lacks or defines differently, as tf_keras layers that call them in training.

tf_keras has no RandomHue, RandomErasing, RandAugment and others, and its RandomContrast clips values to 0 and 255, whatever the model's range.
"""

from __future__ import annotations

import functools
from typing import Any

from edgekit.errors import ModelError
from edgekit.make.workshop.augment.own import is_random
from edgekit.make.workshop.door import Door

FOLDER = "keras.src.layers.preprocessing.image_preprocessing"
MEANT_OTHERWISE = ("RandomContrast",)


def is_only_in_keras3(tools: Door, layer: Any) -> bool:
    """Whether a layer is an augmentation layer of Keras 3 that tf_keras does not have, or defines differently."""
    kind = type(layer)
    known = hasattr(tools.keras.layers, kind.__name__) and kind.__name__ not in MEANT_OTHERWISE
    return kind.__module__.startswith(FOLDER) and is_random(layer) and not known


def in_tf_keras(tools: Door, layer: Any, name: str) -> Any:
    """A tf_keras layer that does in training what a layer of Keras 3 does, and nothing in inference."""
    settings = tools.keras3.saving.serialize_keras_object(layer)["config"]
    return layer_class(tools)(kind=type(layer).__name__, settings=settings, name=name)


@functools.cache
def layer_class(tools: Door) -> Any:
    """The class, registered under a name by which a saved model finds it."""

    class Keras3Augmentation(tools.keras.layers.Layer):  # type: ignore[misc, name-defined]
        def __init__(self, kind: str, settings: dict[str, Any], **given: Any) -> None:
            super().__init__(**given)
            self._kind, self._settings = kind, dict(settings)
            inner = _inner(tools, kind, settings)
            self._vary = lambda inputs: inner(
                inputs, training=True
            )  # a function, so that tf_keras does not look for weights in it

        def call(self, inputs: Any, training: Any = None) -> Any:
            return tools.tf.cast(self._vary(inputs), inputs.dtype) if training else inputs

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "kind": self._kind, "settings": self._settings}

    tools.keras.utils.get_custom_objects()[Keras3Augmentation.__name__] = Keras3Augmentation
    return Keras3Augmentation


def _inner(tools: Door, kind: str, settings: dict[str, Any]) -> Any:
    """A layer of Keras 3 by its class's name; only augmentation classes are allowed, since a file may name any."""
    found = getattr(tools.keras3.layers, kind, None)
    if found is None or not found.__module__.startswith(FOLDER):
        raise ModelError("not an augmentation layer of Keras 3", where="Keras3Augmentation", received=kind)
    described = {"module": "keras.layers", "class_name": kind, "config": settings, "registered_name": None}
    return tools.keras3.saving.deserialize_keras_object(described, safe_mode=True)
