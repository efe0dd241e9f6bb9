"""What a user wrote: layers registered for either Keras, a Lambda layer's place taken by one, subclassed models.

The classes stand in `user/`, as modules that a user names with `--import`.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

from coverage_table.families.head import head
from coverage_table.rows import Row

USER = Path(__file__).resolve().parent.parent / "user"
KERAS_3, KERAS_2 = "layers_of_keras3", "layers_of_keras2"


def _classes(module: str) -> Any:
    sys.path[:0] = [str(USER)] * (str(USER) not in sys.path)
    return importlib.import_module(module)


def _gated(keras: Any, module: str, kind: str) -> Any:
    layers = keras.layers
    entry = keras.Input((12, 12, 4), name="image")
    x = getattr(_classes(module), kind)(name="own")(layers.Conv2D(16, 3, activation="relu")(entry))
    return keras.Model(entry, head(keras, layers.GlobalAveragePooling2D()(x)))


def gate_3(keras: Any) -> Any:
    """A layer with a weight and arithmetic of its own, for Keras 3."""
    return _gated(keras, KERAS_3, "Gate")


def block_3(keras: Any) -> Any:
    """A layer that holds other layers, for Keras 3."""
    return _gated(keras, KERAS_3, "Block")


def gate_2(keras: Any) -> Any:
    """The same gate for Keras 2."""
    return _gated(keras, KERAS_2, "Gate")


def subclassed(keras: Any) -> Any:
    """A subclassed model, built by a call."""
    model = _classes(KERAS_3).Classifier()
    model(keras.ops.zeros((1, 12, 12, 3)))
    return model


def subclassed_block(keras: Any) -> Any:
    """A subclassed model as a block of a functional one."""
    entry = keras.Input((12, 12, 3), name="image")
    return keras.Model(entry, head(keras, _classes(KERAS_3).Classifier(name="block")(entry)))


ROWS = [
    Row(name="layer of Keras 3", group="custom", make=gate_3, imports=(KERAS_3,), quick=True),
    Row(name="layer of layers of Keras 3", group="custom", make=block_3, imports=(KERAS_3,)),
    Row(name="layer of Keras 2", group="custom", make=gate_2, keras=2, imports=(KERAS_2,)),
    Row(name="subclassed model", group="custom", make=subclassed, imports=(KERAS_3,), shape=(12, 12, 3)),
    Row(name="subclassed model in a functional one", group="custom", make=subclassed_block, imports=(KERAS_3,)),
]
