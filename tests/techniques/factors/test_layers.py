"""Layers as their factors: at full rank the same outputs, at a lower one the costs that are planned for them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from edgekit.cost.lowering import lower
from edgekit.keras_graph.flat_graph import model_of, read_graph, run_graph
from edgekit.techniques.factors.choose import by_share, made_of
from edgekit.techniques.factors.layers import places, with_factors
from edgekit.techniques.factors.nodes import factorised, sites
from edgekit.techniques.factors.shape import Factors, Form, full_rank, shape_of

pytestmark = pytest.mark.tf


def whole_rank(form: Form) -> Any:
    """Makes factors that are the kernel itself."""

    def choose(kernel: np.ndarray) -> Any:
        shape = shape_of(kernel.shape)
        ranks = (shape.given, shape.made) if form == "tucker" else (full_rank(shape),)
        return made_of(kernel.reshape(shape), Factors(form, ranks))

    return choose


def alike(tools: Any, model: Any, graph: Any) -> None:
    """Outputs of the graph, and of the model made of it, are those of the model, on samples with values at every edge."""
    given = np.random.default_rng(3).normal(size=(4, *model.input_shape[1:])).astype("float32")
    wanted = np.asarray(model(given))
    np.testing.assert_allclose(np.asarray(run_graph(graph, [given])[0]), wanted, rtol=2e-4, atol=2e-5)
    np.testing.assert_allclose(np.asarray(model_of(tools, graph)(given)), wanted, rtol=2e-4, atol=2e-5)


def biased(model: Any) -> Any:
    """The model with biases and statistics that are no longer what they are in a new layer."""
    generator = np.random.default_rng(0)
    for weight in model.weights:
        if len(weight.shape) == 1:
            weight.assign(generator.uniform(0.5, 1.5, weight.shape))
    return model


CONVOLUTIONS = [
    ("Conv2D", 1, {}),
    ("Conv2D", 1, {"strides": 2, "padding": "same"}),
    ("Conv2D", 3, {}),
    ("Conv2D", 3, {"padding": "same"}),
    ("Conv2D", 3, {"padding": "same", "strides": 2}),
    ("Conv2D", 3, {"padding": "valid", "strides": (2, 1)}),
    ("Conv2D", 3, {"padding": "same", "dilation_rate": 2}),
    ("Conv2D", (5, 2), {"padding": "same", "strides": (1, 3), "use_bias": False}),
    ("Conv2D", (4, 1), {"padding": "same", "strides": 2}),
    ("Conv2D", (1, 4), {"dilation_rate": (1, 2)}),
    ("Conv1D", 1, {}),
    ("Conv1D", 5, {"strides": 2, "padding": "same"}),
    ("Conv1D", 3, {"dilation_rate": 2, "padding": "causal"}),
]


@pytest.mark.parametrize("form", ["spatial", "tucker"])
@pytest.mark.parametrize(("kind", "size", "options"), CONVOLUTIONS, ids=str)
def test_a_convolution_of_full_rank_is_the_same(tools, layers, kind, size, options, form):
    entry = tools.keras3.Input((11, 10, 6)[-int(kind[4]) - 1 :])
    layer = getattr(layers, kind)(7, size, activation="tanh", name="conv", **options)
    model = biased(tools.keras3.Model(entry, layer(entry)))
    graph = with_factors(tools, read_graph(tools, model), whole_rank(form))
    middle = ["conv_low_rank_core"] if form == "tucker" else []
    assert [call.name for call in graph.calls] == ["conv_low_rank", *middle, "conv"]
    alike(tools, model, graph)


@pytest.mark.parametrize("shape", [(12,), (5, 12), (3, 4, 12)])
@pytest.mark.parametrize("units", [7, 20])
def test_a_dense_layer_of_full_rank_is_the_same(tools, layers, shape, units):
    entry = tools.keras3.Input(shape)
    model = biased(tools.keras3.Model(entry, layers.Dense(units, activation="relu", name="dense")(entry)))
    graph = with_factors(tools, read_graph(tools, model), whole_rank("svd"))
    assert [call.name for call in graph.calls] == ["dense_low_rank", "dense"]
    first, last = (call.operation for call in graph.calls)
    assert not first.use_bias and first.activation.__name__ == "linear" and last.activation.__name__ == "relu"
    alike(tools, model, graph)


def test_normalization_stays_behind_the_last_factor_and_settings_stay_with_it(tools, layers):
    regularizers = tools.keras3.regularizers
    entry = tools.keras3.Input((8, 8, 16))
    conv = layers.Conv2D(
        16, 3, use_bias=False, name="conv", kernel_regularizer=regularizers.L2(1e-4), activation=lambda x: x * 2, trainable=False,
        activity_regularizer=regularizers.L2(1e-3), kernel_constraint=tools.keras3.constraints.MaxNorm(1.0),
    )  # fmt: skip
    model = biased(tools.keras3.Model(entry, layers.ReLU()(layers.BatchNormalization(name="norm")(conv(entry)))))
    graph = with_factors(tools, read_graph(tools, model), whole_rank("spatial"))
    assert [call.kind for call in graph.calls] == ["Conv2D", "Conv2D", "BatchNormalization", "ReLU"]
    first, last = (call.operation for call in graph.calls[:2])
    assert first.activity_regularizer is None and last.activity_regularizer is not None
    assert first.kernel_regularizer.l2 == last.kernel_regularizer.l2 and not first.trainable and not last.trainable
    assert first.kernel_constraint is None and last.kernel_constraint is None, (
        "a product is not held by its factors' norms"
    )
    alike(tools, model, graph)


def test_depthwise_grouped_shared_named_and_foreign_layers_stay(tools, layers):
    class Own(layers.Dense):
        """A layer of a user's own."""

    entry = tools.keras3.Input((8, 8, 64))
    x = layers.DepthwiseConv2D(3, name="depthwise")(entry)
    x = layers.Conv2D(64, 1, groups=4, name="grouped")(x)
    twice = layers.Dense(64, name="twice")
    x = Own(64, name="own")(twice(twice(x)))
    x = layers.SeparableConv2D(64, 3, name="separable")(x)
    x = layers.Conv2DTranspose(64, 3, name="transposed")(x)
    x = layers.Dense(64, name="left_out")(x)
    model = tools.keras3.Model(entry, layers.Dense(64, name="dense")(x))
    assert [call.name for call in places(read_graph(tools, model), ["left_out"])] == ["dense"]


def test_a_layer_whose_factors_name_is_taken_stays(tools, layers):
    entry = tools.keras3.Input((64,))
    model = tools.keras3.Model(entry, layers.Dense(64, name="x")(layers.Dense(64, name="x_low_rank")(entry)))
    assert [call.name for call in places(read_graph(tools, model))] == ["x_low_rank"], (
        "whose factor is x_low_rank_low_rank"
    )


def network(tools: Any, layers: Any) -> Any:
    """Windows with strides and without, a point, a grouped and a depthwise convolution, steps, and dense layers."""
    entry = tools.keras3.Input((15, 14, 32))
    x = layers.Conv2D(64, 3, strides=2, padding="same", use_bias=False, name="strided")(entry)
    x = layers.ReLU(name="relu")(layers.BatchNormalization(name="norm")(x))
    x = layers.Conv2D(64, (3, 2), strides=(1, 2), name="uneven")(x)
    x = layers.DepthwiseConv2D(3, padding="same", name="depthwise")(x)
    x = layers.Conv2D(64, 1, strides=2, activation="relu", name="point")(x)
    x = layers.Conv2D(64, 3, groups=2, padding="same", name="grouped")(x)
    x = layers.Conv1D(48, 3, padding="same", name="steps")(layers.Reshape((-1, 64), name="flat")(x))
    x = layers.Dense(64, activation="relu", name="each")(x)
    x = layers.Dense(10, name="classes")(layers.GlobalAveragePooling1D(name="pool")(x))
    return tools.keras3.Model(entry, x)


@pytest.mark.parametrize("form", ["svd", "spatial", "tucker"])
def test_the_planned_costs_are_those_of_the_model(tools, layers, facts_of, form):
    """Operators, inputs, elements, weights, biases, multiply-accumulates and windows of each."""
    model = network(tools, layers)
    smaller = model_of(tools, with_factors(tools, read_graph(tools, model), lambda kernel: by_share(kernel, form, 0.4)))
    planned, real = factorised(lower(facts_of(model)), form, 0.4), lower(facts_of(smaller))
    assert planned == replace(real, groups=()), "channels that could go are not followed into factors"
    names = {node.name for node in planned.nodes}
    assert {"point_low_rank", "each_low_rank"} <= names and "grouped_low_rank" not in names
    assert ("strided_low_rank" in names) is (form != "svd")
    assert ("strided_low_rank_core" in names) is (form == "tucker")
    assert planned.weights < lower(facts_of(model)).weights


def test_what_the_weights_decide_is_planned_as_the_form_that_computes_more(tools, layers, facts_of):
    graph = lower(facts_of(network(tools, layers)))
    best, each = factorised(graph, "best", 0.4), [factorised(graph, form, 0.4) for form in ("spatial", "tucker")]
    assert max(one.macs for one in each) <= best.macs <= sum(one.macs for one in each)
    assert best.weights <= 0.41 * graph.weights + sum(
        node.weights for node in graph.nodes if node.name in ("grouped", "depthwise", "classes")
    )


def test_shapes_that_an_earlier_technique_changed_are_followed(tools, layers, facts_of):
    """A site is told by the weights that a channel reads and the channels, which whatever changes shapes keeps right."""
    graph = lower(facts_of(network(tools, layers)))
    narrower = graph.changed(
        lambda node: {"window": 32, "weights": 32 * 64, "macs": node.macs // 2} if node.name == "point" else {}
    )
    assert sites(narrower)["point"].given == 32 and sites(narrower)["point"].weights == 32 * 64
