"""Activations in operators with int8 kernels: the same values, and a file without a float operator that answers as the model does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgekit.tflite.reader import parse_tflite

pytestmark = pytest.mark.tf
NAMES = ("celu", "elu", "log_sigmoid", "sparse_plus", "squareplus")


@pytest.mark.parametrize("name", NAMES)
def test_the_values_stay_the_same(tools: Any, name: str) -> None:
    """In float32, and afterwards Keras is as it was."""
    from edgekit.make.workshop.int8.plain_activations import plain_activations

    activation, nn = getattr(tools.keras3.activations, name), tools.keras3.src.backend.nn
    entry = tools.keras3.Input((6,))
    model = tools.keras3.Model(entry, tools.keras3.layers.Activation(name)(entry))
    x, before = np.linspace(-8, 8, 60, dtype="float32").reshape(-1, 6), getattr(nn, name)
    with plain_activations(tools, model, integer=True):
        assert getattr(nn, name) is not before
        ours = np.asarray(activation(x))
    assert getattr(nn, name) is before
    np.testing.assert_allclose(ours, activation(x), atol=2e-6)


def test_an_elu_of_another_height_too(tools: Any) -> None:
    from edgekit.make.workshop.int8.plain_activations import plain_activations

    layer, x = tools.keras3.layers.ELU(0.3), np.linspace(-4, 4, 30, dtype="float32")
    model = tools.keras3.Sequential([tools.keras3.Input((30,)), layer])
    expected = np.asarray(layer(x))
    with plain_activations(tools, model, integer=True):
        np.testing.assert_allclose(layer(x), expected, atol=1e-6)


def test_an_exact_gelu_is_one_operator(tools: Any) -> None:
    """The converter knows it by the form in which TensorFlow writes it, with its negation."""
    from edgekit.make.workshop.int8.plain_activations import plain_activations
    from edgekit.make.workshop.plain_operators import plain_operators

    entry = tools.keras3.Input((6,))
    model = tools.keras3.Model(entry, tools.keras3.layers.Activation("gelu")(entry))
    x = np.random.default_rng(0).normal(size=(1, 6)).astype("float32")
    with plain_operators(tools, model, integer=True), plain_activations(tools, model, integer=True):
        function = tools.tf.function(lambda x: model(x)).get_concrete_function(tools.tf.TensorSpec(x.shape))
    np.testing.assert_allclose(function(tools.tf.constant(x)), model(x), atol=1e-6)
    content = tools.tf.lite.TFLiteConverter.from_concrete_functions([function]).convert()
    assert [one.name for one in parse_tflite(content, where="gelu").operators] == ["GELU"]


@pytest.mark.parametrize("name", NAMES)
def test_the_int8_file_answers_as_the_model(in_int8: Any, name: str) -> None:
    """Behind a layer whose output the activation takes twice: no part of it is cut off."""
    x = np.random.default_rng(0).uniform(-2, 2, (32, 8)).astype("float32")
    made = in_int8(lambda layers, x: layers.Activation(name)(layers.Dense(16)(x)), (8,), x=x)
    np.testing.assert_allclose(made.answers(), made.expected, atol=0.05 * np.ptp(made.expected))


def test_rows_of_an_image_are_normalised_in_int8_too(in_int8: Any) -> None:
    """The converter knows a normalisation to the length of one in two dimensions alone; of the rest it leaves the square in float."""
    made = in_int8(lambda layers, x: layers.UnitNormalization()(layers.Conv2D(6, 3)(x)), (6, 6, 3))
    assert "SQUARE" not in made.operators
    np.testing.assert_allclose(made.answers(), made.expected, atol=0.05)
