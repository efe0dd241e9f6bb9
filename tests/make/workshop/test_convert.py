"""A conversion goes from a bare module: the same bytes as from the Keras model, whose layers are called once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.tf


@pytest.fixture(scope="module")
def tools() -> Any:
    from edgekit.make.workshop.door import door

    return door()


def image(layers: Any, keras: Any) -> Any:
    x = entry = layers.Input((8, 8, 3))
    x = layers.BatchNormalization()(layers.Conv2D(4, 3, use_bias=False)(x))
    x = layers.SeparableConv2D(4, 3)(layers.ReLU(6.0)(x))
    return keras.Model(entry, layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling2D()(x)))


def two_ports(layers: Any, keras: Any) -> Any:
    b, a = layers.Input((4,), name="b"), layers.Input((4,), name="a")
    z = layers.Dense(3, name="z")(layers.Concatenate()([b, layers.Rescaling(3.0)(a)]))
    return keras.Model([b, a], [z, layers.Dense(3, activation="tanh", name="y")(a)])


def tokens(layers: Any, keras: Any) -> Any:
    entry = layers.Input((6,), dtype="int32")
    return keras.Model(entry, layers.Dense(2)(layers.GlobalAveragePooling1D()(layers.Embedding(9, 4)(entry))))


def recurrent(layers: Any, keras: Any) -> Any:
    entry = layers.Input((6, 4))
    return keras.Model(entry, layers.Dense(2)(layers.GRU(3)(layers.LSTM(3, return_sequences=True)(entry))))


def float32(tf: Any, converter: Any, samples: Callable[[], Iterator[Any]]) -> None:
    """As it is."""


def dynamic_range(tf: Any, converter: Any, samples: Callable[[], Iterator[Any]]) -> None:
    converter.optimizations = [tf.lite.Optimize.DEFAULT]


def int8(tf: Any, converter: Any, samples: Callable[[], Iterator[Any]]) -> None:
    converter.optimizations, converter.representative_dataset = [tf.lite.Optimize.DEFAULT], samples


@pytest.mark.parametrize("configure", [float32, dynamic_range, int8])
@pytest.mark.parametrize("make", [image, two_ports, tokens])
def test_the_bytes_are_those_of_a_conversion_of_the_keras_model(tools, make, configure):
    assert bare(tools, make, configure) == whole(tools, make, configure)


def test_the_bytes_of_a_recurrent_model(tools):
    assert bare(tools, recurrent, float32) == whole(tools, recurrent, float32)


def test_layers_are_called_once(tools):
    calls = []

    class Counted(tools.keras.layers.Layer):  # type: ignore[misc, name-defined]
        def call(self, tensor: Any) -> Any:
            calls.append(tensor.shape[0])
            return tensor * 2.0

    layers = tools.keras.layers
    entry = layers.Input((4,))
    model = tools.keras.Model(entry, layers.Dense(2)(Counted()(entry)))
    calls.clear()
    convert(tools, model, float32, whole=False)
    assert calls == [1]


def bare(tools, make, configure) -> bytes:
    """What edgekit converts."""
    tools.fresh(0)
    return convert(tools, make(tools.keras.layers, tools.keras), configure, whole=False)


def whole(tools, make, configure) -> bytes:
    """The same with the Keras model given to the converter."""
    tools.fresh(0)
    return convert(tools, make(tools.keras.layers, tools.keras), configure, whole=True)


def convert(tools, model, configure, *, whole: bool) -> bytes:
    from edgekit.make.workshop.convert import _converter

    inputs = [f"in_{index}" for index in range(len(model.inputs))]
    outputs, dtypes = [f"out_{index}" for index in range(len(model.outputs))], [tensor.dtype for tensor in model.inputs]
    converter = _converter(tools, model, inputs, outputs, dtypes)
    if whole:
        converter._trackable_obj = model
    generator = np.random.default_rng(0)

    def samples() -> Iterator[dict[str, Any]]:
        for _ in range(2):
            yield {
                name: generator.integers(0, 9, (1, *tensor.shape[1:])).astype(tensor.dtype.name)
                for name, tensor in zip(inputs, model.inputs, strict=True)
            }

    configure(tools.tf, converter, samples)
    return bytes(converter.convert())
