"""What is a difference and what is not: rounding and NaN are none, one weight is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.errors import ModelError
from edgekit.keras_graph.flat_graph import Call, Value, model_of, read_graph, run_graph
from edgekit.passes.difference import difference
from edgekit.passes.domain import domains
from edgekit.passes.random_samples import random_samples

pytestmark = pytest.mark.tf


@pytest.fixture
def tools() -> Any:
    from edgekit.make.workshop.door import door

    tools = door()
    tools.fresh(0)
    return tools


def logarithm(keras: Any) -> Any:
    """Of numbers below zero it is NaN, and the logarithm of a logarithm is one below one."""
    entry = keras.Input((4,))
    return entry, keras.ops.log(keras.ops.log(entry) + 1e-3)


def division(keras: Any) -> Any:
    """Every output is divided by zero."""
    entry = keras.Input((4,))
    return entry, keras.layers.Dense(3, name="before")(entry) / (entry[:, :1] * 0.0)


def nan_at_one_output(keras: Any) -> Any:
    entry = keras.Input((4,))
    x = keras.layers.Dense(3, name="before")(entry)
    return entry, [keras.ops.sqrt(-1.0 - x * x), keras.layers.Dense(2, name="after")(x)]


def large_magnitudes(keras: Any) -> Any:
    """Rounding at ten thousand is a thousandth of what is left when that is taken away, in each of twelve layers."""
    x = entry = keras.Input((8,))
    for index in range(12):
        x = keras.layers.BatchNormalization(name=f"norm_{index}")(keras.layers.Dense(8, name=f"dense_{index}")(x))
        x = keras.layers.Activation("tanh")((x + 1e4) - 1e4)
    return entry, keras.layers.Dense(3, name="last")(x)


def integers(keras: Any) -> Any:
    entry = keras.Input((6, 6, 3), dtype="uint8")
    return entry, keras.layers.Conv2D(4, 3, name="conv")(keras.layers.Rescaling(1 / 255)(entry))


def embedding(keras: Any) -> Any:
    """Its input is of floats, as Keras has it by default, and a number below zero is in no table."""
    entry = keras.Input((5,))
    return entry, keras.layers.Dense(2, name="dense")(keras.layers.Embedding(7, 4, name="table")(entry))


MODELS = (logarithm, division, nan_at_one_output, large_magnitudes, integers, embedding)


@pytest.mark.parametrize("made", MODELS, ids=lambda made: made.__name__)
def test_each_is_loaded(tools: Any, tmp_path: Path, made: Callable[[Any], Any]) -> None:
    from edgekit.make.workshop.normalise import normalise

    model = tools.keras3.Model(*made(tools.keras3))
    found = normalise(tools, model, tmp_path, {"source": "test", "root": str(tmp_path), "imports": []})
    said = {division: "no finite numbers on any", nan_at_one_output: "60% of its outputs"}.get(made, "")
    assert said in found.uncompared
    assert bool(found.uncompared) == bool(said)
    assert (found.error is None) == (made is division)


def test_what_the_original_itself_raises_is_told(tools: Any, tmp_path: Path) -> None:
    from edgekit.make.workshop.normalise import normalise

    keras = tools.keras3

    class Broken(keras.layers.Layer):  # type: ignore[misc, name-defined]
        def call(self, x: Any) -> Any:
            if tools.tf.executing_eagerly():
                raise LookupError("no table of sines")
            return x

    entry = keras.Input((4,))
    model = keras.Model(entry, Broken()(entry))
    with pytest.raises(ModelError, match="the model cannot be called") as refused:
        normalise(tools, model, tmp_path, {"source": "test", "root": str(tmp_path), "imports": []})
    assert "LookupError" in str(refused.value)
    assert "no table of sines" in str(refused.value)


@pytest.mark.parametrize("api", ["keras", "keras3"])
@pytest.mark.parametrize(
    "made", [nan_at_one_output, large_magnitudes, integers, embedding], ids=lambda made: made.__name__
)
def test_one_weight_is_found_and_its_layer_named(tools: Any, made: Callable[[Any], Any], api: str) -> None:
    """For Keras 3 by the weights; for tf_keras by what a layer answers to the original's own inputs."""
    from edgekit.make.workshop.compare import compare
    from edgekit.make.workshop.rebuild import rebuild

    model = tools.keras3.Model(*made(tools.keras3))
    if api == "keras":
        copy, _ = rebuild(tools, model, where="test")
    else:
        copy = tools.keras3.models.clone_model(model)
        copy.set_weights(model.get_weights())
        compare(tools, model, copy, "test")
    layer = next(layer for layer in copy.layers if layer.name in ("after", "last", "conv", "dense"))
    kernel, bias = layer.get_weights()
    kernel.flat[np.abs(kernel).argmax()] *= 1.01
    layer.set_weights([kernel, bias])
    with pytest.raises(ModelError, match=f"'{layer.name}'"):
        compare(tools, model, copy, "test")


def test_rounding_explains_what_a_deep_model_makes_of_it_and_no_more(tools: Any) -> None:
    """A number is rounded to the next one: each layer agrees, and the outputs are far apart all the same."""
    from edgekit.make.workshop.compare import TOLERANCE, compare

    keras = tools.keras3
    model = keras.Model(*large_magnitudes(keras))
    graph = read_graph(tools, model)
    place = next(index for index, call in enumerate(graph.calls) if call.kind == "Add")
    large = graph.calls[place].outputs[0]
    step = Call(keras.layers.Rescaling(1 + 2.0**-23, name="a_step"), (large,), {}, (Value(large.shape, large.dtype),))
    after = [call.taking({large: step.outputs[0]}) for call in graph.calls[place + 1 :]]
    moved = graph.replaced([*graph.calls[: place + 1], step, *after])
    samples = next(random_samples(graph))
    apart = difference(run_graph(moved, samples)[0], run_graph(graph, samples)[0])
    assert apart > TOLERANCE
    found = compare(tools, model, model_of(tools, moved), "test", graph=graph)
    assert found.error is not None
    assert found.error > TOLERANCE
    last = graph.calls[-1]
    bypassed = graph.replaced([*graph.calls[:-1], dataclasses.replace(last, args=(graph.inputs[0],))])
    with pytest.raises(ModelError, match="no single layer differs"):
        compare(tools, model, model_of(tools, bypassed), "test", graph=graph)


def test_nan_of_one_alone_is_a_difference() -> None:
    nan, inf = np.nan, np.inf
    assert difference([nan, 1.0, inf], [nan, 1.0, inf]) == 0
    assert difference([nan, 1.5, inf], [nan, 1.0, inf]) == pytest.approx(0.5)
    assert difference([1.0, 1.0], [nan, 1.0]) == difference([nan, 1.0], [1.0, 1.0]) == inf
    assert difference([-inf, 1.0], [inf, 1.0]) == inf


def test_the_domain_is_found_by_use(tools: Any) -> None:
    keras, layers = tools.keras3, tools.keras3.layers
    known = layers.Normalization(mean=[10.0, -20.0], variance=[4.0, 1.0])
    entries = {
        "scaled": keras.Input((4,)), "centred": keras.Input((4,)), "divided": keras.Input((4,)),
        "known": keras.Input((2,)), "table": keras.Input((3,)), "free": keras.Input((4,)),
    }  # fmt: skip
    parts = [
        layers.Rescaling(1 / 255)(entries["scaled"]),
        layers.Rescaling(1 / 127.5, offset=-1)(entries["centred"]),
        entries["divided"] / 127.5 - 1.0,
        known(entries["known"]),
        layers.Flatten()(layers.Embedding(7, 4)(layers.Reshape((3,))(entries["table"]))),
        layers.Dense(2)(entries["free"]),
    ]
    graph = read_graph(tools, keras.Model(list(entries.values()), layers.Concatenate()(parts)))
    found = {name: domains(graph).get(value) for name, value in zip(entries, graph.inputs, strict=True)}
    for name in ("scaled", "centred", "divided"):
        np.testing.assert_allclose([found[name].low, found[name].high], [0, 255], atol=1e-4)
    np.testing.assert_allclose(found["known"].low, [6, -22])
    np.testing.assert_allclose(found["known"].high, [14, -18])
    assert (found["table"].low, found["table"].high, found["table"].is_index) == (0, 6, True)
    assert found["free"] is None
    samples = dict(zip(entries, next(random_samples(graph)), strict=True))
    assert samples["scaled"].max() > 100
    assert set(samples["table"].ravel()) <= set(range(7))
    assert -1 <= samples["free"].min() < 0 < samples["free"].max() <= 1
