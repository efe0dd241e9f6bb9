"""Augmentation that stands in a model as layers: they vary what the layers after them see, in training alone."""

from __future__ import annotations

from typing import Any

NOISE = ("GaussianNoise", "RandAugment", "AugMix", "MixUp", "CutMix", "Keras3Augmentation")


def is_random(layer: Any) -> bool:
    """Whether a layer of either Keras is one of augmentation, by its class's name; dropout is none."""
    kind = type(layer).__name__
    return kind.startswith("Random") or kind in NOISE
