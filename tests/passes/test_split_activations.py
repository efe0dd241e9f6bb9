"""Activations become layers of their own where int8 rounds the value before them, and nowhere else."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.tf


def kinds(graph: Any) -> list[str]:
    return [call.kind for call in graph.calls]


def test_an_activation_becomes_a_layer_that_bears_both_names(
    tools: Any, layers: Any, rewritten: Any, alike: Any
) -> None:
    entry = tools.keras3.Input((6, 6, 3))
    x = layers.Conv2D(4, 3, activation="swish", name="first")(entry)
    x = layers.DepthwiseConv2D(3, activation="relu", name="second")(x)
    own = tools.keras3.Model(entry, layers.Dense(2, activation="softmax", name="last")(layers.Flatten()(x)))
    graph, told = rewritten(own, "split_activations")
    assert [call.name for call in graph.calls if call.kind != "Flatten"] == [
        "first", "first_silu", "second", "last", "last_softmax",
    ]  # fmt: skip
    assert "first, last" in told[0]
    assert own.get_layer("first").activation.__name__ == "silu", "the user's own layer stays as it is"
    assert next(call for call in graph.calls if call.name == "second").operation is own.get_layer("second")
    alike(own, graph)


def test_a_shared_layer_stays_shared(tools: Any, layers: Any, rewritten: Any, alike: Any) -> None:
    one, two = tools.keras3.Input((5,)), tools.keras3.Input((5,))
    dense = layers.Dense(4, activation="tanh", name="shared")
    own = tools.keras3.Model([one, two], layers.Concatenate()([dense(one), dense(two)]))
    graph, _ = rewritten(own, "split_activations")
    assert graph.times()[id(next(call for call in graph.calls if call.name == "shared").operation)] == 2
    assert [call.name for call in graph.calls if call.kind == "Activation"] == ["shared_tanh", "shared_tanh_1"]
    alike(own, graph)


def test_an_activation_that_is_a_layer_is_called_as_one(tools: Any, layers: Any, rewritten: Any, alike: Any) -> None:
    entry = tools.keras3.Input((5,))
    own = tools.keras3.Model(entry, layers.Dense(4, activation=layers.LeakyReLU(0.3), name="d")(entry))
    graph, _ = rewritten(own, "split_activations")
    assert kinds(graph) == ["Dense", "LeakyReLU"]
    alike(own, graph)


def test_a_subclass_and_a_kernel_that_fuses_its_activation_stay(tools: Any, layers: Any, rewritten: Any) -> None:
    class Own(layers.Dense):  # type: ignore[misc, name-defined]
        def call(self, x: Any) -> Any:
            return super().call(x) * 2

    entry = tools.keras3.Input((5,))
    x = layers.Dense(4, activation="tanh", activity_regularizer="l2")(layers.Dense(4, activation="relu6")(entry))
    graph, told = rewritten(tools.keras3.Model(entry, Own(4, activation="tanh")(x)), "split_activations")
    assert not told
    assert kinds(graph) == ["Dense", "Dense", "Own"]


def test_the_file_is_the_same(tools: Any, layers: Any, rewritten: Any, graph_of: Any, int8: Any) -> None:
    entry = tools.keras3.Input((6, 6, 3))
    x = layers.Conv2D(4, 3, activation="hard_silu")(entry)
    own = tools.keras3.Model(entry, layers.Dense(2, activation="sigmoid")(layers.Flatten()(x)))
    before, after = int8(graph_of(own)), int8(rewritten(own).graph)
    assert [one.name for one in after.operators] == [one.name for one in before.operators]
    assert {tensor.dtype for tensor in after.tensors} <= {"int8", "int32"}
