"""Operators that TFLite has, with int8 kernels, for what Keras 3 and TensorFlow write otherwise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgekit.techniques.int16x8 import Int16x8
from edgekit.tflite.reader import parse_tflite

pytestmark = pytest.mark.tf


@pytest.fixture(scope="module")
def tools() -> Any:
    from edgekit.make.workshop.door import door

    return door()


@pytest.mark.parametrize("kind", ["layer", "group", "minus"])
def test_normalization_has_neither_negation_nor_squares(tools: Any, kind: str) -> None:
    """Neither of them has an int8 kernel; the answers are the same, and afterwards all is as it was."""
    from edgekit.make.workshop.plain_operators import plain_operators

    layers, tf = tools.keras3.layers, tools.tf
    entry = tools.keras3.Input((6, 6, 8))
    layer = {
        "layer": layers.LayerNormalization(),
        "group": layers.GroupNormalization(4),
        "minus": layers.Lambda(lambda x: -x),
    }[kind]
    model = tools.keras3.Model(entry, layer(entry))
    x = np.random.default_rng(0).normal(size=(1, 6, 6, 8)).astype("float32")
    expected = np.asarray(model(x))

    def traced() -> tuple[set[str], Any]:
        function = tf.function(lambda x: model(x, training=False)).get_concrete_function(tf.TensorSpec(x.shape))
        return {one.type for one in function.graph.get_operations()}, function

    before, _ = traced()
    assert "Neg" in before
    with plain_operators(tools, model, integer=True):
        types, function = traced()
    assert not {"Neg", "Square"} & types
    assert ("SquaredDifference" in types) is (kind == "layer")
    np.testing.assert_allclose(function(tf.constant(x)), expected, atol=1e-5)
    assert traced()[0] == before


@pytest.mark.parametrize("kind", ["layer", "unit"])
def test_a_normalization_runs_with_int16_activations(tools: Any, kind: str) -> None:
    """LiteRT aborts at a SQUARED_DIFFERENCE of int16, and the converter refuses an L2_NORMALIZATION."""
    from edgekit.make.workshop.convert import _converter
    from edgekit.make.workshop.plain_layers import plain_layers
    from edgekit.make.workshop.plain_operators import plain_operators

    technique = Int16x8()
    layers, entry = tools.keras3.layers, tools.keras3.Input((16,))
    layer = {"layer": layers.LayerNormalization, "unit": layers.UnitNormalization}[kind]()
    model = tools.keras3.Model(entry, layer(entry))
    x = np.random.default_rng(0).normal(size=(8, 16)).astype("float32")
    with plain_operators(tools, model, integer=True, lacking=technique.lacks), plain_layers(tools, model, lacking=technique.lacks):  # fmt: skip
        converter = _converter(tools, model, ["x"], ["y"], [tools.tf.float32])
    technique.configure(tools, converter, technique.settings_type(), lambda: ({"x": one[None]} for one in x))
    content = converter.convert()
    found = {one.name for one in parse_tflite(content, where="the file").operators}
    assert not found & set(technique.lacks) and "RSQRT" in found
    interpreter = pytest.importorskip("ai_edge_litert.interpreter").Interpreter(model_content=content)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x[:1])
    interpreter.invoke()
    answer = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    np.testing.assert_allclose(answer, model(x[:1]), atol=0.02)
