"""Small networks with groups of channels of every kind, and their state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest


@pytest.fixture(scope="session")
def tools() -> Any:
    from edgekit.make.workshop.door import door

    return door()


@pytest.fixture
def layers(tools: Any) -> Any:
    """Keras 3's layers, with names and weights that are the same in every test."""
    tools.fresh(0)
    return tools.keras3.layers


def flattened(layers: Any, x: Any) -> Any:
    x = layers.Flatten()(layers.Conv2D(12, 3, strides=2, activation="relu", name="first")(x))
    return layers.Dense(2, name="head")(layers.Dense(16, activation="relu", name="dense")(x))


def residual(layers: Any, x: Any) -> Any:
    x = total = layers.Conv2D(16, 3, padding="same", activation="relu", name="stem")(x)
    x = layers.Conv2D(24, 3, padding="same", use_bias=False, name="inner")(x)
    x = layers.ReLU()(layers.BatchNormalization(name="norm")(x))
    x = layers.Conv2D(16, 3, padding="same", name="outer")(x)
    return layers.Dense(2, name="head")(layers.GlobalAveragePooling2D()(layers.Add()([x, total])))


def mobile(layers: Any, x: Any) -> Any:
    x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(8, 3, use_bias=False, name="stem")(x)))
    x = layers.DepthwiseConv2D(3, depth_multiplier=2, name="doubling")(x)
    x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(12, 1, use_bias=False, name="point")(x)))
    return layers.Dense(2, name="head")(layers.GlobalAveragePooling2D()(x))


def joined(layers: Any, x: Any) -> Any:
    near = layers.Conv2D(8, 3, padding="same", activation="relu", name="near")(x)
    far = layers.Conv2D(8, 3, padding="same", activation="relu", name="far")(layers.MaxPooling2D(2)(near))
    up = layers.Conv2DTranspose(6, 3, strides=2, padding="same", name="up")(far)
    x = layers.Conv2D(8, 3, padding="same", name="merged")(layers.Concatenate()([up, near]))
    return layers.Conv2D(1, 1, name="head")(x)


NETWORKS = {made.__name__: made for made in (flattened, residual, mobile, joined)}


@pytest.fixture
def network(tools: Any, layers: Any) -> Callable[[str], Any]:
    """The model of a name in `NETWORKS`, for pictures of 8x8x3; no bias is zero."""

    def made(name: str) -> Any:
        entry = tools.keras3.Input((8, 8, 3))
        model = tools.keras3.Model(entry, NETWORKS[name](layers, entry))
        generator = np.random.default_rng(0)
        for weight in model.weights:
            if len(weight.shape) == 1:
                weight.assign(generator.uniform(0.5, 1.5, weight.shape))
        return model

    return made


@pytest.fixture
def state(tools: Any) -> Callable[[Any], Any]:
    """The groups of a model."""

    def made(model: Any) -> Any:
        from edgekit.keras_graph.flat_graph import read_graph
        from edgekit.techniques.narrowing.importance import state_of

        return state_of(read_graph(tools, model))

    return made
