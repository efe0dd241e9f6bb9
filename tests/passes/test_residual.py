"""Residual blocks: which additions a graph can do without, and the graph without them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgekit.keras_graph.flat_graph import model_of, read_graph
from edgekit.passes.residual import residual_blocks, without_blocks

pytestmark = pytest.mark.tf


def graph_with_blocks(tools: Any):
    """Two residual blocks, the second with a projection, then a third on what the second gives; and an addition of two branches."""
    keras = tools.keras3
    layers = keras.layers
    x = given = keras.Input((8,))
    x = layers.Add(name="first")([x, layers.Dense(8, name="a")(x)])
    x = layers.Add(name="projected")([layers.Dense(6, name="b")(x), layers.Dense(6, name="c")(x)])
    x = layers.Add(name="third")([layers.Dense(6, name="e")(layers.Dense(2, name="d")(x)), x])
    x = layers.Add(name="fourth")([x, layers.Dense(6, name="f")(x)])
    return read_graph(tools, keras.Model(given, layers.Dense(3, name="head")(x)))


def test_a_block_adds_to_a_value_what_is_computed_from_it(tools):
    assert [block.call.name for block in residual_blocks(graph_with_blocks(tools))] == ["first", "third", "fourth"]


def test_an_operator_is_a_block_too_and_a_sum_with_a_number_or_of_another_shape_is_none(tools):
    keras = tools.keras3
    x = given = keras.Input((4,))
    x = x + keras.layers.Dense(4)(x)
    x = x + 1.0
    x = x + keras.layers.Dense(1)(x)
    graph = read_graph(tools, keras.Model(given, x))
    assert len(residual_blocks(graph)) == 1


def test_without_blocks_the_rest_computes_what_it_did(tools):
    graph = graph_with_blocks(tools)
    smaller = model_of(tools, without_blocks(graph, residual_blocks(graph)))
    assert [layer.name for layer in smaller.layers if layer.weights] == ["b", "c", "head"]
    samples = np.random.default_rng(0).normal(size=(4, 8)).astype("float32")
    by_name = {layer.name: layer for layer in smaller.layers}
    expected = by_name["head"](by_name["b"](samples) + by_name["c"](samples))
    np.testing.assert_allclose(smaller([samples]), expected, rtol=1e-6)


def test_the_last_alone_may_go(tools):
    graph = graph_with_blocks(tools)
    smaller = without_blocks(graph, residual_blocks(graph)[-1:])
    assert [call.name for call in smaller.calls] == ["a", "first", "b", "c", "projected", "d", "e", "third", "head"]
