"""Channels on their way through a sequence: a cut leaves the model that one would have without the share of what is cut."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from edgekit.passes.channels.groups import channel_groups, left_out
from edgekit.passes.channels.narrow import narrowed
from edgekit.passes.channels.ranges import read_channels

pytestmark = pytest.mark.tf


def backwards(keras: Any, x: Any) -> Any:
    """Both directions as two layers, as an import from ONNX has them: one runs backwards, and its steps are reversed."""
    layers = keras.layers
    x = layers.Conv1D(6, 3, activation="relu", name="first")(layers.Reshape((8, 24))(x))
    forward = layers.LSTM(5, return_sequences=True, name="forward")(x)
    backward = layers.LSTM(4, return_sequences=True, go_backwards=True, name="backward")(x)
    x = layers.Concatenate()([forward, keras.ops.flip(backward, axis=1)])
    return layers.Dense(2, name="head")(x)


EXPECTED: dict[Callable[[Any, Any], Any], list[tuple[int, list[str], list[str]]]] = {
    backwards: [
        (4, ["backward"], ["backward", "head"]),
        (6, ["first"], ["backward", "forward"]),
        (5, ["forward"], ["forward", "head"]),
    ],
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
    widths = {call.name: call.outputs[0].shape[-1] for call in after.calls}
    assert all(widths[call.name] == -(-group.size // 2) for group in groups for call in group.makers)
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
