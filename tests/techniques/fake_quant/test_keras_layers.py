"""The layer that rounds values, and the model that rounds kernels while it is called."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.techniques.fake_quant.build import fake_quantized
from edgekit.techniques.fake_quant.keras_layers import classes

pytestmark = pytest.mark.tf


def test_a_range_is_the_mean_of_the_first_batches_and_moves_in_training_alone(tools: Any) -> None:
    """From nothing to what was seen: the first batch is all of it."""
    layer = classes(tools).range()
    for high in (2.0, 4.0):
        layer(np.array([[-1.0, high]], "float32"), training=True)
    layer(np.array([[-9.0, 9.0]], "float32"), training=False)
    assert float(layer.low[0]) == pytest.approx(-1.0)
    assert float(layer.high[0]) == pytest.approx(3.0)


def test_a_value_is_one_of_256_and_zero_is_among_them(tools: Any) -> None:
    """Values outside of the range are cut off."""
    layer = classes(tools).range()
    x = np.linspace(-1, 3, 1001, dtype="float32")[None]
    layer(x, training=True)
    made = np.unique(np.asarray(layer(np.concatenate([x, [[0.0] * 1001]]) * 2)))
    assert len(made) == 256 and 0.0 in made
    assert made.min() == pytest.approx(-1.0, abs=0.01) and made.max() == pytest.approx(3.0, abs=0.01)


def test_a_shared_range_spans_what_is_watched(tools: Any) -> None:
    """What is not watched passes until anything was seen, and is then rounded by the same range."""
    layer = classes(tools).range(watched=2)
    small, large = np.array([[0.1, 0.2]], "float32"), np.array([[0.0, 10.0]], "float32")
    np.testing.assert_array_equal(layer(small, number=None, training=True), small)
    layer(small, number=0, training=True)
    layer(large, number=1, training=True)
    step = 10.0 / 255
    np.testing.assert_allclose(layer(small, number=None), np.round(small / step) * step, atol=1e-5)


def test_the_model_rounds_its_kernels_and_keeps_the_float_ones(tools: Any, tmp_path: Path) -> None:
    """Stored and read again it answers alike; a layer that is left out stays in float; states of layers move in training."""
    layers = tools.keras3.layers
    entry = layers.Input((6,), name="entry")
    x = layers.BatchNormalization(name="bn")(layers.Dense(5, name="one")(entry))
    model = fake_quantized(tools, tools.keras3.Model(entry, layers.Dense(3, name="two")(x)), exclude=("two",))
    draw = np.random.default_rng(0).normal(size=(32, 6)).astype("float32")
    before = model.get_layer("one").kernel.numpy()
    model(draw, training=True)
    assert set(model.rounded_kernels()) == {"one"}
    np.testing.assert_array_equal(model.get_layer("one").kernel.numpy(), before)
    assert np.abs(model.get_layer("bn").moving_mean.numpy()).max() > 0
    expected = np.asarray(model(draw))
    model.save(tmp_path / "model.keras")
    again = tools.keras3.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(again(draw), expected, atol=1e-6)
    assert set(again.rounded_kernels()) == {"one"}
    again.round_for_good()
    np.testing.assert_allclose(again(draw), expected, atol=1e-6)
    assert (again.get_layer("one").kernel.numpy() != before).any()
    np.testing.assert_array_equal(again.get_layer("two").kernel, model.get_layer("two").kernel)


def test_a_swish_is_rounded_between_its_two_operators(tools: Any) -> None:
    """Its sigmoid has the range that a sigmoid has in the file."""
    layers = tools.keras3.layers
    entry = layers.Input((6,), name="entry")
    model = fake_quantized(tools, tools.keras3.Model(entry, layers.Activation("swish", name="act")(entry)))
    assert model.get_layer("range_of_act_gate").fixed == (0.0, 255 / 256)
    draw = np.random.default_rng(0).normal(size=(32, 6)).astype("float32")
    model(draw, training=True)
    np.testing.assert_allclose(model(draw), draw / (1 + np.exp(-draw)), atol=0.05)


@pytest.mark.parametrize("names", [("dense", "dense_1"), ("dense", "range_of_dense"), ("dense", "range_of_entry")])
def test_ranges_have_names_that_no_layer_has(tools: Any, names: tuple[str, str]) -> None:
    """The first layer is called twice: its second value is not named as the next layer's, nor any as a layer of the user's."""
    layers = tools.keras3.layers
    entry, shared = layers.Input((6,), name="entry"), layers.Dense(6, name=names[0])
    last = layers.Dense(3, name=names[1])(shared(shared(entry)))
    model = fake_quantized(tools, tools.keras3.Model(entry, last))
    found = [layer.name for layer in model.layers]
    assert len(set(found)) == len(found)
    assert sum(type(layer).__name__ == "FakeQuantizedRange" for layer in model.layers) == 4
