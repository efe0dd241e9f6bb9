"""8-bit inputs that a model computes with are quantized in the file; those that are indices stay what they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from edgekit.tflite.reader import parse_tflite

pytestmark = pytest.mark.tf


@pytest.fixture(scope="module")
def tools() -> Any:
    from edgekit.make.workshop.door import door

    return door()


def pixels(L: Any, keras: Any, tf: Any, dtype: str = "uint8") -> Any:
    entry = L.Input((8, 8, 3), dtype=dtype)
    x = L.Conv2D(4, 3, activation="relu")(L.Rescaling(1 / 127.5, offset=-1)(entry))
    return keras.Model(entry, L.Dense(3, activation="softmax")(L.Flatten()(x)))


def sound(L: Any, keras: Any, tf: Any) -> Any:
    return pixels(L, keras, tf, "int8")


def sequential(L: Any, keras: Any, tf: Any) -> Any:
    return keras.Sequential(
        [L.Input((6,), dtype="uint8"), L.Rescaling(1 / 255), L.Dense(4, activation="relu"), L.Dense(2)]
    )


def cast(L: Any, keras: Any, tf: Any) -> Any:
    entry = L.Input((6,), dtype="uint8")
    return keras.Model(entry, L.Dense(2)(tf.cast(entry, "float32") / 255.0))


def nested(L: Any, keras: Any, tf: Any) -> Any:
    entry = L.Input((6,), dtype="uint8")
    return keras.Model(entry, L.Dense(2)(sequential(L, keras, tf)(entry)))


def beside_a_vector(L: Any, keras: Any, tf: Any) -> Any:
    image, vector = L.Input((6,), dtype="uint8"), L.Input((4,))
    return keras.Model([image, vector], L.Dense(2)(L.Concatenate()([L.Rescaling(1 / 255)(image), vector])))


def words(L: Any, keras: Any, tf: Any) -> Any:
    entry = L.Input((6,), dtype="uint8")
    return keras.Model(entry, L.Dense(2)(L.GlobalAveragePooling1D()(L.Embedding(256, 4)(entry))))


def wrapping(L: Any, keras: Any, tf: Any) -> Any:
    """Twice 200 is 144 in uint8."""
    entry = L.Input((6,), dtype="uint8")
    return keras.Model(entry, L.Dense(2)(tf.cast(entry * 2, "float32")))


def plain(L: Any, keras: Any, tf: Any) -> Any:
    entry = L.Input((6,))
    return keras.Model(entry, L.Dense(2)(entry))


@pytest.mark.parametrize("make", [pixels, sound, sequential, cast, nested, beside_a_vector])
def test_what_a_model_computes_with_is_quantized_in_the_file(tools, make):
    model, samples = built(tools, make)
    file = parse_tflite(converted(tools, model, samples), where="a test")
    ends = [file.tensors[index] for index in file.inputs]
    assert {tensor.dtype for tensor in ends} == {"int8"}
    assert all(tensor.scales for tensor in ends)
    assert "CAST" not in {operator.name for operator in file.operators}


@pytest.mark.parametrize("make", [words, wrapping, plain])
def test_an_index_wrapping_arithmetic_and_floats_stay_as_they_are(tools, make):
    from edgekit.make.workshop.real_inputs import real_inputs

    model, samples = built(tools, make)
    with real_inputs(tools, model, samples[0]) as dtypes:
        assert dtypes == [tensor.dtype for tensor in model.inputs]


def test_a_model_answers_integers_as_before_once_it_was_converted(tools):
    model, samples = built(tools, pixels)
    before = model(samples[0][0]).numpy()
    converted(tools, model, samples)
    assert (model(samples[0][0]).numpy() == before).all()
    assert tools.tf.uint8 == model.inputs[0].dtype


def built(tools: Any, make: Any) -> tuple[Any, list[list[np.ndarray]]]:
    tools.fresh(0)
    model, generator = make(tools.keras.layers, tools.keras, tools.tf), np.random.default_rng(0)

    def array(tensor: Any) -> np.ndarray:
        shape, dtype = (1, *tensor.shape[1:]), np.dtype(tensor.dtype.name)
        if dtype.kind == "f":
            return generator.normal(size=shape).astype(dtype)
        return generator.integers(np.iinfo(dtype).min, np.iinfo(dtype).max, shape, endpoint=True).astype(dtype)

    return model, [[array(tensor) for tensor in model.inputs] for _ in range(4)]


def converted(tools: Any, model: Any, samples: list[list[np.ndarray]]) -> bytes:
    from edgekit.make.workshop.convert import _converter
    from edgekit.make.workshop.real_inputs import real_inputs
    from edgekit.techniques.int8 import Int8, Settings

    names = [f"in_{index}" for index in range(len(model.inputs))]
    with real_inputs(tools, model, samples[0]) as dtypes:

        def calibration() -> Iterator[list[np.ndarray]]:
            for sample in samples:
                yield [array.astype(dtype.as_numpy_dtype) for array, dtype in zip(sample, dtypes, strict=True)]

        converter = _converter(tools, model, names, ["out_0"], dtypes)
        Int8().configure(tools, converter, Settings(io="int8"), calibration)
        return bytes(converter.convert())
