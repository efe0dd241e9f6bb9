"""A flat graph is read from a model with nested parts, runs as the model does, and becomes a model again."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from edgekit.errors import ModelError
from edgekit.keras_graph.flat_graph import Call, Value, model_of, read_graph, run_graph

pytestmark = pytest.mark.tf
SHAPE = (6, 6, 3)


@pytest.fixture(scope="module")
def tools() -> Any:
    from edgekit.make.workshop.door import door

    found = door()
    found.fresh(0)
    return found


def network(tools: Any) -> Any:
    """A shared layer, a nested model, arithmetic with a list of values in it, an output that another layer takes too, and a dead branch."""
    keras, layers = tools.keras3, tools.keras3.layers
    shared = layers.Conv2D(4, 3, padding="same", name="shared")
    within = keras.Input((6, 6, 4))
    nested = keras.Model(within, 1.0 - layers.ReLU(name="relu")(within), name="nested")
    entry = keras.Input(SHAPE, name="an image")
    one = shared(entry)
    other = nested(shared(layers.GaussianNoise(0.5, name="noise")(entry)))
    layers.Dense(3, name="dead")(one)
    joined = layers.Concatenate(name="joined")([one, other])
    return keras.Model(entry, [joined, layers.GlobalAveragePooling2D(name="pool")(joined)])


def test_it_runs_and_is_made_again_as_the_model(tools: Any) -> None:
    """Noise is silent, for a graph is run as in inference."""
    model = network(tools)
    graph = read_graph(tools, model)
    x = np.random.default_rng(0).normal(size=(2, *SHAPE)).astype("float32")
    right = [np.asarray(part) for part in model(x, training=False)]
    for found in (run_graph(graph, [x]), model_of(tools, graph)(x, training=False)):
        for one, other in zip(found, right, strict=True):
            np.testing.assert_array_equal(np.asarray(one), other)


def test_nested_models_are_opened_and_shared_layers_stay_shared(tools: Any) -> None:
    """The layers are the model's own."""
    model = network(tools)
    graph = read_graph(tools, model)
    names = [call.name for call in graph.calls]
    assert "relu" in names
    assert "nested" not in names
    assert names.count("shared") == 2
    assert graph.names == ("an_image",)
    assert model.get_layer("shared") in [call.operation for call in graph.calls]


def test_what_nothing_needs_is_not_in_it(tools: Any) -> None:
    """A branch that no output takes is left out, also after a rewrite."""
    graph = read_graph(tools, network(tools))
    assert "dead" not in [call.name for call in graph.calls]
    pool = graph.calls[-1]
    cut = dataclasses.replace(graph, outputs=graph.outputs[:1])
    assert pool not in cut.replaced(cut.calls).calls


def test_a_rewrite_replaces_a_value_wherever_it_stands(tools: Any) -> None:
    """In a list of arguments, and as an output."""
    model = network(tools)
    graph = read_graph(tools, model)
    relu = next(call for call in graph.calls if call.name == "relu")
    without = graph.replaced([call for call in graph.calls if call is not relu], {relu.outputs[0]: relu.inputs[0]})
    assert "relu" not in [call.name for call in without.calls]
    x = np.random.default_rng(1).normal(size=(2, *SHAPE)).astype("float32")
    joined = np.asarray(run_graph(without, [x])[0])
    np.testing.assert_allclose(joined[..., 4:], 1.0 - joined[..., :4], rtol=1e-5, atol=1e-6)


def test_a_call_that_fails_is_named(tools: Any) -> None:
    """By the layer, with what it raised."""
    graph = read_graph(tools, network(tools))
    first = graph.calls[0]
    wrong = Call(tools.keras3.layers.Dense(3, name="asks_for_more"), (), {}, (Value((3,), "float32"),))
    with pytest.raises(ModelError, match="asks_for_more"):
        model_of(tools, dataclasses.replace(graph, calls=(wrong, first), outputs=wrong.outputs))


def test_names_that_tensorflow_bears_stay_and_the_others_make_way(tools: Any) -> None:
    """Also a sign that TensorFlow takes for a scope's at a name's end."""
    keras, layers = tools.keras3, tools.keras3.layers
    entry = value = keras.Input((4,), name="entry")
    for name in ("a b", "a_b", "a_b_1", "b>"):
        value = layers.Dense(4, name=name)(value)
    graph = read_graph(tools, keras.Model(entry, value))
    assert [call.name for call in graph.calls] == ["a_b_2", "a_b", "a_b_1", "b_"]
    assert graph.renamed == {"a_b_2": "a b", "b_": "b>"}
