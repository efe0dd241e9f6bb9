"""Normalisations between a convolution and a dense layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from coverage_table.families.head import head
from coverage_table.rows import Row


def between(kind: str, **options: Any) -> Callable[[Any], Any]:
    """A model with one normalisation behind a convolution."""

    def make(keras: Any) -> Any:
        layers = keras.layers
        entry = keras.Input((12, 12, 3), name="image")
        x = getattr(layers, kind)(**options)(layers.Conv2D(16, 3)(entry))
        return keras.Model(entry, head(keras, layers.Flatten()(layers.ReLU()(x))))

    return make


def before(keras: Any) -> Any:
    """Batch normalisation before a convolution that pads: it cannot be folded across the padding."""
    layers = keras.layers
    entry = keras.Input((12, 12, 3), name="image")
    x = layers.Conv2D(16, 3, padding="same", activation="relu")(layers.BatchNormalization()(entry))
    return keras.Model(entry, head(keras, layers.Flatten()(x)))


def of_input(keras: Any) -> Any:
    """Features normalised by their own mean and variance."""
    layers = keras.layers
    entry = keras.Input((24,), name="features")
    scaled = layers.Normalization(mean=[0.1] * 24, variance=[0.3] * 24)(entry)
    return keras.Model(entry, head(keras, layers.Dense(16, activation="relu")(scaled)))


MAKERS = {
    "BatchNormalization": between("BatchNormalization"),
    "BatchNormalization before a padded convolution": before,
    "LayerNormalization": between("LayerNormalization"),
    "LayerNormalization over all axes": between("LayerNormalization", axis=(1, 2, 3)),
    "GroupNormalization": between("GroupNormalization", groups=4),
    "RMSNormalization": between("RMSNormalization"),
    "UnitNormalization": between("UnitNormalization"),
    "SpectralNormalization": lambda keras: spectral(keras),
    "Normalization": of_input,
}


def spectral(keras: Any) -> Any:
    """A convolution whose kernel is divided by its spectral norm in training."""
    layers = keras.layers
    entry = keras.Input((12, 12, 3), name="image")
    x = layers.SpectralNormalization(layers.Conv2D(16, 3, activation="relu"))(entry)
    return keras.Model(entry, head(keras, layers.Flatten()(x)))


ROWS = [Row(name=name, group="normalisations", make=make) for name, make in MAKERS.items()]
