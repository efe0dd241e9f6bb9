"""A model's own augmentation layers: they vary the input of the following layers, in training only."""

from __future__ import annotations

from typing import Any

NOISE = ("GaussianNoise", "RandAugment", "AugMix", "MixUp", "CutMix", "Keras3Augmentation")


def is_random(layer: Any) -> bool:
    """Whether a layer of either Keras is an augmentation layer, by its class's name; dropout is not."""
    kind = type(layer).__name__
    return kind.startswith("Random") or kind in NOISE
