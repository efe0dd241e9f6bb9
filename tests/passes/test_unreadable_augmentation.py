"""Augmentation that cannot be read back from a file is left out; nothing else of it, and nothing of it is in the converted file."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.tf


def test_what_can_be_read_back_stays(tools: Any, layers: Any, rewritten: Any) -> None:
    entry = tools.keras3.Input((8, 8, 3))
    x = layers.RandomShear(x_factor=0.1, name="shear")(layers.RandomFlip(name="flip")(entry))
    own = tools.keras3.Model(
        entry, layers.Conv2D(2, 3, name="conv")(layers.RandomShear(x_factor=(0.0, 0.1), name="kept")(x))
    )
    graph, told = rewritten(own, "unreadable_augmentation")
    assert [call.name for call in graph.calls] == ["flip", "kept", "conv"]
    assert told[0].endswith(": shear")


def test_nothing_of_training_and_augmentation_is_in_the_file(
    tools: Any, layers: Any, rewritten: Any, int8: Any
) -> None:
    """They stay in the model, which may be trained on, and leave no operator: also augmentation that tf_keras does not have."""
    entry = tools.keras3.Input((8, 8, 3))
    x = entry
    for name, options in {
        "RandomFlip": {}, "RandomRotation": {"factor": 0.1}, "RandomZoom": {"height_factor": 0.1}, "RandomContrast": {"factor": 0.1},
        "RandomBrightness": {"factor": 0.1}, "RandomTranslation": {"height_factor": 0.1, "width_factor": 0.1},
        "RandomShear": {"x_factor": 0.1}, "RandomHue": {"factor": 0.1}, "RandomSaturation": {"factor": 0.1},
        "RandomGrayscale": {"factor": 0.1}, "RandomColorJitter": {}, "RandomErasing": {}, "RandomGaussianBlur": {}, "RandomPosterization": {"factor": 4},
        "RandomInvert": {}, "RandomSharpness": {"factor": 0.1}, "RandomPerspective": {}, "RandomColorDegeneration": {"factor": 0.1},
        "RandomElasticTransform": {}, "AugMix": {}, "RandAugment": {}, "MixUp": {}, "CutMix": {},
    }.items():  # fmt: skip
        if hasattr(layers, name):
            x = getattr(layers, name)(**options)(x)
    x = layers.GaussianNoise(0.1)(layers.SpatialDropout2D(0.1)(layers.Conv2D(4, 3, name="conv")(x)))
    x = layers.ActivityRegularization(l2=1e-3)(
        layers.GaussianDropout(0.1)(layers.AlphaDropout(0.1)(layers.Flatten()(x)))
    )
    own = tools.keras3.Model(entry, layers.Dense(2, name="dense")(layers.Dropout(0.1)(x)))
    graph, told = rewritten(own)
    assert len(graph.calls) > 25
    assert "random_shear" in told[0]
    assert [one.name for one in int8(graph).operators] == ["CONV_2D", "RESHAPE", "FULLY_CONNECTED"]
