"""What a logarithm takes stays in float in training, with what makes it; what kernels make, and what follows the curves, is rounded."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgekit.keras_graph.flat_graph import read_graph
from edgekit.techniques.fake_quant.build import fake_quantized
from edgekit.techniques.fake_quant.ranges import ranged_values
from edgekit.techniques.fake_quant.wide import wide_values

pytestmark = pytest.mark.tf
LEAST = 1e-6


def spectrum(tools: Any, *, ends: str = "relu") -> Any:
    """The logarithm of a power whose least numbers the grid of its range takes to zero."""
    ops, layers = tools.keras3.ops, tools.keras3.layers
    entry = tools.keras3.Input((6,), name="entry")
    power = ops.square(layers.Dense(8, activation=ends, name="first")(entry))
    return tools.keras3.Model(entry, layers.Dense(4, name="last")(ops.log(ops.maximum(power, LEAST)) * 0.5))


def of_makers(graph: Any, values: Any) -> set[str]:
    makers = graph.makers()
    return {makers[value].kind if value in makers else "input" for value in values}


@pytest.mark.parametrize("ends", ["relu", "linear"])
def test_it_begins_behind_the_kernel_and_ends_before_the_last_curve(tools: Any, ends: str) -> None:
    graph = read_graph(tools, spectrum(tools, ends=ends))
    assert of_makers(graph, wide_values(graph)) == {"Square", "Maximum"}
    all_of_them = ranged_values(graph)
    left = ranged_values(graph, wide_in_float=True)
    assert of_makers(graph, all_of_them.keys() - left.keys()) == {"Square", "Maximum"}
    assert of_makers(graph, left) == {"input", "Dense", "Log"}, "the factor is part of the last kernel"


def test_an_activation_that_the_kernel_takes_up_is_part_of_it(tools: Any) -> None:
    layers, entry = tools.keras3.layers, tools.keras3.Input((6,), name="entry")
    x = tools.keras3.ops.sqrt(layers.ReLU(name="relu")(layers.Dense(8)(entry)))
    graph = read_graph(tools, tools.keras3.Model(entry, layers.Dense(4)(x)))
    assert not wide_values(graph) and "ReLU" in of_makers(graph, ranged_values(graph, wide_in_float=True))


def test_what_others_take_too_and_a_quotient_by_a_number_stay_rounded(tools: Any) -> None:
    ops, layers, entry = tools.keras3.ops, tools.keras3.layers, tools.keras3.Input((6,), name="entry")
    x = layers.Dense(8)(entry)
    power, halved = ops.square(x) + 1.0, ops.divide(ops.abs(x), 2.0)
    graph = read_graph(tools, tools.keras3.Model(entry, layers.Dense(4)(ops.log(power) + power + halved)))
    assert of_makers(graph, wide_values(graph)) == {"Square"}


def test_training_diverges_where_zeros_have_a_logarithm_and_not_where_they_stay_in_float(tools: Any) -> None:
    levels = np.random.default_rng(0).uniform(-1, 1, (32, 6)) * 10.0 ** np.random.default_rng(1).uniform(-2, 0, (32, 1))
    x = tools.tf.constant(levels.astype("float32"))
    finite = []
    for wide_in_float in (False, True):
        model = fake_quantized(tools, spectrum(tools), wide_in_float=wide_in_float)
        with tools.tf.GradientTape() as tape:
            loss = tools.tf.reduce_mean(model(x, training=True) ** 2)
        slopes = tape.gradient(loss, [one.value for one in model.trainable_variables])
        finite.append(all(np.isfinite(one).all() for one in (loss, *slopes)))
    assert finite == [False, True]
