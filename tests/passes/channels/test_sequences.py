"""Channels on their way through a sequence: a cut leaves the model that one would have without the share of what is cut."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from edgekit.cost.lowering import lower
from edgekit.cost.narrower import narrower
from edgekit.documents.facts import ModelFacts
from edgekit.keras_graph.flat_graph import model_of
from edgekit.passes.channels.groups import channel_groups, left_out
from edgekit.passes.channels.narrow import narrowed
from edgekit.passes.channels.ranges import read_channels

pytestmark = pytest.mark.tf


def facts_of(tools: Any, model: Any) -> ModelFacts:
    from edgekit.make.workshop.model_facts import take_facts

    return take_facts(tools, model, sha256="", kind="", losses=(), error=0.0)


def backwards(keras: Any, x: Any) -> Any:
    """Both directions as two layers, as an import from ONNX has them: one runs backwards, and its steps are reversed."""
    layers = keras.layers
    x = layers.Conv1D(6, 3, activation="relu", name="first")(layers.Reshape((8, 24))(x))
    forward = layers.LSTM(5, return_sequences=True, name="forward")(x)
    backward = layers.LSTM(4, return_sequences=True, go_backwards=True, name="backward")(x)
    x = layers.Concatenate()([forward, keras.ops.flip(backward, axis=1)])
    return layers.Dense(2, name="head")(x)


def columns(keras: Any, x: Any) -> Any:
    """The columns of a picture are the steps: the rows and channels of each become its features, as in a recognizer of lines of text."""
    layers = keras.layers
    x = layers.Conv2D(6, 3, strides=2, activation="relu", padding="same", name="first")(x)
    x = layers.Reshape((4, 24))(layers.Permute((2, 1, 3))(x))
    return layers.Dense(2, name="head")(
        layers.GRU(5, name="memory")(layers.Dense(7, activation="relu", name="dense")(x))
    )


def channels_first(keras: Any, x: Any) -> Any:
    """As `columns`, with the channels of a column before its rows, and moved in as few axes as there can be, as an import from ONNX has it."""
    layers = keras.layers
    x = layers.Conv2D(6, 3, strides=2, padding="same", name="first")(x)
    x = layers.Permute((2, 1))(layers.ReLU()(layers.Reshape((4, 24))(x)))
    x = layers.Dropout(0.1)(layers.Reshape((4, 24))(x))
    return layers.Dense(2, name="head")(layers.Bidirectional(layers.LSTM(5), name="memory")(x))


def flattened(keras: Any, x: Any) -> Any:
    """A flatten in the order of PyTorch."""
    layers = keras.layers
    x = layers.Conv2D(6, 3, strides=2, padding="same", name="first")(x)
    x = layers.Dense(5, activation="relu", name="dense")(layers.Flatten()(layers.Permute((3, 1, 2))(x)))
    return layers.Dense(2, name="head")(x)


EXPECTED: dict[Callable[[Any, Any], Any], list[tuple[int, list[str], list[str]]]] = {
    backwards: [
        (4, ["backward"], ["backward", "head"]),
        (6, ["first"], ["backward", "forward"]),
        (5, ["forward"], ["forward", "head"]),
    ],
    columns: [(7, ["dense"], ["memory"]), (6, ["first"], ["dense"]), (5, ["memory"], ["head", "memory"])],
    channels_first: [(6, ["first"], ["memory"]), (5, ["memory"], ["head", "memory"])],
    flattened: [(5, ["dense"], ["head"]), (6, ["first"], ["dense"])],
}
"""By network the size of each group, its makers, and its readers by the alphabet."""


@pytest.mark.parametrize("make", EXPECTED)
def test_every_other_channel_can_go(
    tools: Any, network: Callable[..., Any], alike: Callable[..., None], make: Any
) -> None:
    from edgekit.make.workshop.flatten import flat_graph

    model = network(lambda layers, x: make(tools.keras3, x))
    graph = flat_graph(tools, model, where="test")
    channels = read_channels(graph)
    groups = channel_groups(graph, channels)
    told = [
        (group.size, [call.name for call in group.makers], sorted(call.name for call in group.readers))
        for group in groups
    ]
    assert sorted(told, key=lambda one: one[1]) == EXPECTED[make]
    gone = {place: np.arange(group.size) % 2 == 1 for place, group in enumerate(groups)}
    after = narrowed(tools, graph, channels, left_out(groups, gone))
    predicted = narrower(lower(facts_of(tools, model)), [-(-group.size // 2) for group in groups])
    assert predicted == lower(facts_of(tools, model_of(tools, after))), "to the last weight"
    for place, group in enumerate(groups):
        for kernel, which in group.reads:
            stays = np.where((which >= 0) & gone[place][which], 0.0, 1.0)
            kernel.variable.assign(np.asarray(kernel.variable) * kernel.spread(stays))
    alike(model, after)


def test_a_reversal_of_the_channels_holds_them(tools: Any, network: Callable[..., Any]) -> None:
    from edgekit.make.workshop.flatten import flat_graph

    def turned(layers: Any, x: Any) -> Any:
        x = layers.Conv2D(4, 3, name="first")(x)
        return layers.Dense(2, name="head")(tools.keras3.ops.flip(x, axis=-1))

    graph = flat_graph(tools, network(turned), where="test")
    assert not channel_groups(graph, read_channels(graph))
