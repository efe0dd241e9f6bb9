"""What hands on its input is dropped, and what only looks like it stays."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.tf


def test_what_hands_on_its_input_is_dropped(tools: Any, layers: Any, rewritten: Any, alike: Any) -> None:
    entry = tools.keras3.Input((6, 6, 3))
    x = layers.Conv2D(4, 3, name="conv")(layers.Activation("linear")(entry))
    x = layers.Identity()(layers.Dropout(0.0)(layers.Reshape((4, 4, 4))(x)))
    x = layers.Permute((1, 2, 3))(tools.keras3.ops.cast(x, "float32"))
    x = layers.Flatten()(layers.GlobalAveragePooling2D(name="pool")(x))
    own = tools.keras3.Model(entry, layers.Dense(2, activation="linear", name="dense")(x))
    graph, told = rewritten(own, "identities")
    assert [call.name for call in graph.calls] == ["conv", "pool", "dense"]
    assert told[0].startswith("dropped")
    alike(own, graph)


def test_what_does_something_in_training_or_to_the_shape_stays(tools: Any, layers: Any, rewritten: Any) -> None:
    entry = tools.keras3.Input((4, 4, 3))
    x = layers.Dropout(0.1)(layers.Permute((2, 1, 3))(layers.Activation("relu")(entry)))
    x = layers.Flatten()(layers.GaussianNoise(0.1)(layers.Reshape((4, 2, 6))(x)))
    own = tools.keras3.Model(entry, tools.keras3.ops.cast(x, "int32"))
    graph, told = rewritten(own, "identities")
    assert not told
    assert [call.kind for call in graph.calls] == [
        "Activation", "Permute", "Dropout", "Reshape", "GaussianNoise", "Flatten", "Cast",
    ]  # fmt: skip


def test_an_input_does_not_become_an_output(tools: Any, layers: Any, rewritten: Any) -> None:
    entry = tools.keras3.Input((4,))
    own = tools.keras3.Model(entry, [layers.Identity(name="same")(entry), layers.Dense(1, name="dense")(entry)])
    graph, told = rewritten(own, "identities")
    assert not told
    assert {call.name for call in graph.calls} == {"same", "dense"}
