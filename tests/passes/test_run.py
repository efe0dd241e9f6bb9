"""The machinery: passes in their order, a rewrite kept only where it keeps what it promises, and the user never stopped by one."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.keras_graph.flat_graph import Call, FlatGraph, model_of, run_graph
from edgekit.passes import passes
from edgekit.passes.interface import Pass, named
from edgekit.passes.run import run_passes

pytestmark = pytest.mark.tf
PAGE = Path(__file__).parents[2] / "docs" / "passes.md"


class Halved(Pass):
    """A wrong pass: the last call gets half of what it was given."""

    name, place, words = "halved", 1, "halved"
    factor = 0.5

    def requires(self, tools: Any, graph: FlatGraph) -> Sequence[Call]:
        return graph.calls[-1:]

    def apply(self, tools: Any, graph: FlatGraph) -> FlatGraph:
        last = graph.calls[-1]
        half = Call(
            tools.keras3.layers.Rescaling(self.factor, name="half"),
            last.inputs,
            {},
            (dataclasses.replace(last.inputs[0]),),
        )
        return graph.replaced([*graph.calls[:-1], half, dataclasses.replace(last, args=half.outputs)])

    def ensures(self, tools: Any, before: FlatGraph, after: FlatGraph) -> str | None:
        return None


class Whole(Halved):
    name, words, factor = "whole", "multiplied by one", 1.0


class Broken(Halved):
    name = "broken"

    def apply(self, tools: Any, graph: FlatGraph) -> FlatGraph:
        raise TypeError("no such form")


class Unfinished(Whole):
    name = "unfinished"

    def ensures(self, tools: Any, before: FlatGraph, after: FlatGraph) -> str | None:
        return Pass.ensures(self, tools, before, after)


@pytest.fixture
def graph(tools: Any, layers: Any, graph_of: Any) -> FlatGraph:
    entry = tools.keras3.Input((4,))
    return graph_of(tools.keras3.Model(entry, layers.Dense(3, name="two")(layers.Dense(3, name="one")(entry))))


def test_passes_are_listed_from_the_folder_and_named_after_their_files() -> None:
    found = passes()
    assert [one.place for one in found] == sorted(one.place for one in found)
    assert all(type(one).__module__ == f"edgekit.passes.{one.name}" for one in found)
    rows = [line.split("`")[1] for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert rows == sorted(rows, key=[one.name for one in found].index), "the page lists them in their order"
    assert set(rows) == {one.name for one in found}


def test_what_keeps_the_outputs_is_kept(tools: Any, graph: FlatGraph) -> None:
    found, told = run_passes(tools, graph, [Whole()])
    assert [call.name for call in found.calls] == ["one", "half", "two"]
    assert told == ("multiplied by one: two",)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [(Halved(), "outputs would differ"), (Broken(), "no such form"), (Unfinished(), "still applies to two")],
)
def test_what_does_not_is_left_out_and_said(tools: Any, graph: FlatGraph, wrong: Pass, reason: str) -> None:
    found, told = run_passes(tools, graph, [wrong, Whole()])
    assert [call.name for call in found.calls] == ["one", "half", "two"], "the next pass is applied all the same"
    assert told[0].startswith(f"{wrong.name} was not applied")
    assert reason in told[0]


def test_a_model_that_cannot_be_compared_is_left_as_it_is(tools: Any, layers: Any, graph_of: Any) -> None:
    entry = tools.keras3.Input((4,))
    graph = graph_of(tools.keras3.Model(entry, tools.keras3.ops.log(layers.Dense(3)(entry) * 0.0 - 1.0)))
    found, told = run_passes(tools, graph, [Whole()])
    assert found is graph
    assert "no finite numbers" in told[0]


def test_neither_is_one_that_takes_text(tools: Any, layers: Any, graph_of: Any) -> None:
    entry = tools.keras3.Input((1,), dtype="string")
    graph = graph_of(
        tools.keras3.Model(entry, layers.Dense(2)(layers.StringLookup(vocabulary=["a"], output_mode="one_hot")(entry)))
    )
    found, told = run_passes(tools, graph, [Whole()])
    assert found is graph
    assert "so nothing can be compared" in told[0]


def test_states_are_as_before(tools: Any, layers: Any, graph_of: Any) -> None:
    """Running a stateful recurrent layer, and a layer that counts its calls, changes nothing of them."""

    class Counting(layers.Layer):  # type: ignore[misc, name-defined]
        def build(self, shape: Any) -> None:
            self.seen = self.add_weight(shape=(), initializer="zeros", trainable=False)

        def call(self, x: Any) -> Any:
            self.seen.assign_add(1.0)
            return x * 1.0

    gru, counting = layers.GRU(3, stateful=True), Counting()
    entry = tools.keras3.Input((4, 2), batch_size=2)
    graph = graph_of(tools.keras3.Model(entry, layers.Dense(2, name="last")(counting(gru(entry)))))
    assert run_passes(tools, graph, [Whole()]).told == ("multiplied by one: last",)
    assert not np.asarray(gru.states[0]).any()
    assert not np.asarray(counting.seen)


def test_few_names_are_told(tools: Any, layers: Any, graph_of: Any) -> None:
    x = entry = tools.keras3.Input((2,))
    for index in range(9):
        x = layers.Dense(2, name=f"dense_{index}")(x)
    graph = graph_of(tools.keras3.Model(entry, x))
    assert named(graph.calls) == "dense_0, dense_1, dense_2, dense_3, dense_4, dense_5 and 3 more"
    assert np.isfinite(run_graph(graph, [np.ones((1, 2), np.float32)])[0]).all()


def test_all_passes_on_one_model(tools: Any, layers: Any, rewritten: Any, alike: Any, int8: Any) -> None:
    """They apply one after another, are told, and apply nowhere in what they made; what is left trains in every weight."""
    entry = tools.keras3.Input((8, 8, 4))
    x = layers.Conv2D(8, 1, activation="relu", name="point")(layers.BatchNormalization(name="first")(entry))
    x = layers.SeparableConv2D(16, 3, activation="swish", name="separable")(layers.Identity()(x))
    x = layers.BatchNormalization(name="pooled")(layers.MaxPooling2D(2)(layers.Conv2D(16, 1, name="linear")(x)))
    x = layers.Reshape((9, 16))(x)
    x = layers.Dropout(0.1)(x + layers.MultiHeadAttention(2, 8, name="attention")(x, x))
    x = layers.TimeDistributed(layers.Dense(8), name="steps")(
        layers.EinsumDense("abc,cd->abd", (9, 16), name="mixed")(x)
    )
    own = tools.keras3.Model(entry, layers.Dense(3, activation="softmax", name="classes")(layers.Flatten()(x)))
    graph, told = rewritten(own)
    assert len(told) == 8
    assert all(not one.requires(tools, graph) for one in passes())
    alike(own, graph)
    model = model_of(tools, graph)
    x = np.random.default_rng(0).normal(size=(4, 8, 8, 4)).astype("float32")
    with tools.tf.GradientTape() as tape:
        loss = tools.tf.reduce_sum(model(x, training=True) ** 2)
    assert all(slope is not None for slope in tape.gradient(loss, [weight.value for weight in model.trainable_weights]))
    file = int8(graph)
    assert {tensor.dtype for tensor in file.tensors} <= {"int8", "int32"}
