"""An average of int8 values has their scale and is rounded to it, as the file's kernel does."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.keras_graph.flat_graph import read_graph
from edgekit.make.workshop.door import door
from edgekit.techniques.fake_quant.build import fake_quantized
from edgekit.techniques.fake_quant.ranges import ranged_values

pytestmark = pytest.mark.tf


def network(activation=None):
    layers = door().keras3.layers
    inputs = door().keras3.Input((4, 4, 1))
    hidden = layers.Conv2D(1, 1, kernel_initializer="ones", activation=activation)(inputs)
    pooled = layers.AveragePooling2D(2)(layers.AveragePooling2D(2)(hidden))
    return door().keras3.Model(inputs, layers.Flatten()(pooled))


def test_an_average_shares_the_range_of_what_is_averaged_which_alone_is_watched():
    graph = read_graph(door(), network())
    ranges = ranged_values(graph)
    convolution, pool, second = (graph.calls[index].outputs[0] for index in range(3))
    assert ranges[convolution] is ranges[pool] is ranges[second]
    assert ranges[pool].watched == (convolution,)


def test_an_average_of_a_fixed_range_is_fixed_too():
    graph = read_graph(door(), network("sigmoid"))
    ranges = ranged_values(graph)
    assert {ranges[graph.calls[index].outputs[0]].fixed for index in range(3)} == {(0.0, 255 / 256)}


def test_an_average_of_what_is_left_out_is_calibrated():
    graph = read_graph(door(), network())
    assert set(ranged_values(graph, exclude=(graph.calls[0].name,))) == set(graph.inputs)


def test_an_average_is_rounded():
    model = fake_quantized(door(), network())
    x = np.random.default_rng(0).random((2, 4, 4, 1), np.float32)
    model(x, training=True)
    steps = np.asarray(model(x)) * 255 / x.max()
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-3)
