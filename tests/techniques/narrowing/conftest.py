"""Small networks with groups of channels of every kind, and their state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest


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


def recurrent(layers: Any, x: Any) -> Any:
    x = layers.Conv1D(32, 3, padding="same", activation="relu", name="steps")(layers.Reshape((8, 24))(x))
    x = layers.Bidirectional(layers.GRU(8, return_sequences=True), name="both")(x)
    x = layers.LSTM(12, name="last")(x)
    return layers.Dense(2, name="head")(x)


def shuffled(layers: Any, x: Any) -> Any:
    """Grouped convolutions with a shuffle of two rows of six between: of the stem two channels go together, of the inner ones four."""
    x = total = layers.Conv2D(8, 3, strides=2, activation="relu", name="stem")(x)
    x = layers.Conv2D(12, 3, groups=2, padding="same", activation="relu", name="inner")(x)
    x = layers.Permute((1, 2, 4, 3))(layers.Reshape((3, 3, 2, 6))(x))
    x = layers.Conv2D(8, 3, groups=2, padding="same", name="outer")(layers.Reshape((3, 3, 12))(x))
    return layers.Dense(2, name="head")(layers.GlobalAveragePooling2D()(layers.Add()([x, total])))


def attention(layers: Any, x: Any) -> Any:
    """Two heads of eight, of the value of six; a key that is the same everywhere moves no share."""

    def heads(name: str, size: int) -> Any:
        return layers.Permute((2, 1, 3))(layers.Reshape((8, 2, size))(layers.Dense(2 * size, name=name)(x)))

    x = layers.Dense(16, activation="relu", name="stem")(layers.Reshape((8, 24))(x))
    scores = heads("query", 8) @ layers.Permute((1, 3, 2))(heads("key", 8))
    x = layers.Permute((2, 1, 3))(layers.Softmax()(scores) @ heads("value", 6))
    return layers.Dense(2, name="head")(layers.Reshape((8, 12))(x))


NETWORKS = {made.__name__: made for made in (flattened, residual, mobile, joined, recurrent, shuffled, attention)}


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


CLASSES = 4


@pytest.fixture(scope="session")
def pictures() -> dict[str, np.ndarray]:
    """Four patterns under noise: learned by a small network in a few seconds."""
    generator = np.random.default_rng(0)
    patterns = generator.normal(size=(CLASSES, 8, 8, 3)).astype("float32")
    found = {}
    for split, count in (("train", 256), ("val", 128), ("test", 256)):
        y = np.arange(count) % CLASSES
        found[f"x_{split}"] = patterns[y] + generator.normal(0, 1.0, (count, 8, 8, 3)).astype("float32")
        found[f"y_{split}"] = y
    return found


@pytest.fixture(scope="session")
def dataset(pictures: dict[str, np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Any:
    from edgekit.ingest.spool import spool_result
    from edgekit.progress import no_progress
    from edgekit.project.project_file import DataTable
    from edgekit.values import to_builtins

    options = to_builtins(DataTable(source="data"))
    folder = tmp_path_factory.mktemp("data")
    return spool_result(pictures, folder, names=("x",), options=options, seed=0, progress=no_progress)


@pytest.fixture
def training(tools: Any, dataset: Any) -> Callable[..., Any]:
    """What trains a model as in a build, with settings of `[training]`."""

    def made(until: float = float("inf"), **changes: Any) -> Any:
        from edgekit.make.workshop.fit import Fit
        from edgekit.progress import no_progress

        settings = {"epochs": 1, "batch_size": 32, "learning_rate": 3e-3, "distillation": 0.0, "temperature": 2.0}
        job = {"training": {**settings, **changes}, "losses": ["sparse_categorical_crossentropy"], "seed": 0}
        return Fit(tools, dataset, job, lambda model: (), no_progress, until)

    return made


@pytest.fixture
def classifier(tools: Any, layers: Any) -> Callable[..., Any]:
    """A network whose head is a softmax over the classes; with batch normalization or without."""

    def made(*, normalized: bool = True) -> Any:
        def convolution(x: Any, size: int, name: str) -> Any:
            x = layers.Conv2D(size, 3, padding="same", use_bias=not normalized, name=name)(x)
            return layers.BatchNormalization(name=f"{name}_norm")(x) if normalized else x

        entry = tools.keras3.Input((8, 8, 3))
        x = total = layers.ReLU()(convolution(entry, 16, "stem"))
        x = layers.ReLU()(convolution(x, 16, "inner"))
        x = layers.ReLU()(layers.Add()([convolution(x, 16, "outer"), total]))
        x = layers.ReLU()(convolution(layers.MaxPooling2D(4)(x), 24, "last"))
        x = layers.Dense(CLASSES, activation="softmax", name="head")(layers.Flatten()(x))
        return tools.keras3.Model(entry, x)

    return made


@pytest.fixture
def accuracy(pictures: dict[str, np.ndarray]) -> Callable[[Any], float]:
    def measured(model: Any) -> float:
        answers = np.asarray(model(pictures["x_test"], training=False)).argmax(axis=1)
        return float((answers == pictures["y_test"]).mean())

    return measured
