"""Which of Keras's own layers a call is of. A subclass of one may compute anything, so it is of no kind that a pass knows."""

from __future__ import annotations

from typing import Any

from edgekit.keras_graph.flat_graph import Call

SILENT = (
    "Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "AlphaDropout", "GaussianDropout", "GaussianNoise",
    "ActivityRegularization",
)  # fmt: skip
"""Layers that do something in training and hand on their input in inference."""


def kind(call: Call) -> str:
    """The class of a layer or operation of Keras's own; empty for a user's own, and for one with adapted or rounded weights."""
    operation = call.operation
    is_plain = not getattr(operation, "lora_enabled", False) and getattr(operation, "quantization_mode", None) is None
    return call.kind if is_plain and type(operation).__module__.startswith("keras.") else ""


def activation_name(layer: Any) -> str:
    """The name of a layer's activation, a layer's own where it is one; "linear" where there is none."""
    activation = getattr(layer, "activation", None)
    if activation is None:
        return "linear"
    return str(getattr(activation, "__name__", None) or type(activation).__name__.lower())


PICTURES = ".layers.preprocessing.image_preprocessing."
MIXING = ("AugMix", "CutMix", "MixUp", "RandAugment")


def is_augmentation(layer: Any) -> bool:
    """Whether a layer is one of Keras's that vary pictures in training and hand them on in inference; `RandomCrop` cuts in both."""
    name = type(layer).__name__
    varies = name in MIXING or (name.startswith("Random") and name != "RandomCrop")
    return varies and type(layer).__module__.startswith("keras.") and PICTURES in type(layer).__module__
