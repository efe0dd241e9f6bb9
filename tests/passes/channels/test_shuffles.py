"""A shuffle is found however it is written, loses channels so that whole rows are left, and nothing else is taken for one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from edgekit.keras_graph.flat_graph import FlatGraph, model_of
from edgekit.passes.channels.groups import channel_groups, left_out
from edgekit.passes.channels.narrow import narrowed
from edgekit.passes.channels.ranges import channels_without_numbers, read_channels
from edgekit.passes.channels.roles import Role
from edgekit.passes.channels.shuffles import SHUFFLES

pytestmark = pytest.mark.tf


def in_operations(keras: Any, x: Any) -> Any:
    """Two rows of five, as operations of Keras, the axes counted from either end."""
    x = keras.ops.transpose(keras.ops.reshape(x, (-1, 8, 8, 2, 5)), (0, 1, 2, -1, 3))
    return keras.ops.reshape(x, (-1, 8, 8, 10))


def in_a_line(keras: Any, x: Any) -> Any:
    """Two rows of five over all places in one axis, as an import lays them."""
    x = keras.layers.Permute((1, 3, 2))(keras.layers.Reshape((64, 2, 5))(x))
    return keras.layers.Reshape((8, 8, 10))(x)


def back(keras: Any, x: Any) -> Any:
    """Five rows of two: what takes a shuffle back."""
    x = keras.layers.Permute((1, 2, 4, 3))(keras.layers.Reshape((8, 8, 5, 2))(x))
    return keras.layers.Reshape((8, 8, 10))(x)


def of_a_vector(keras: Any, x: Any) -> Any:
    """Two rows of five without places, into a flatten."""
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.layers.Flatten()(keras.layers.Permute((2, 1))(keras.layers.Reshape((2, 5))(x)))


@pytest.fixture
def around(tools: Any, network: Callable[..., Any]) -> Callable[[Any], Any]:
    """The model of a step between a convolution of ten filters and one that reads them."""

    def made(step: Callable[[Any, Any], Any]) -> Any:
        def whole(layers: Any, x: Any) -> Any:
            x = layers.Conv2D(10, 3, padding="same", activation="relu", name="first")(x)
            return layers.Dense(2, name="head")(step(tools.keras3, x))

        return network(whole)

    return made


def graph_of(tools: Any, model: Any) -> FlatGraph:
    from edgekit.make.workshop.flatten import flat_graph

    return flat_graph(tools, model, where="test")


@pytest.mark.parametrize(
    ("step", "members"),
    [
        (in_operations, [0, 1, 2, 3, 4, 0, 1, 2, 3, 4]),
        (in_a_line, [0, 1, 2, 3, 4, 0, 1, 2, 3, 4]),
        (back, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]),
        (of_a_vector, [0, 1, 2, 3, 4, 0, 1, 2, 3, 4]),
    ],
    ids=["in_operations", "in_a_line", "back", "of_a_vector"],
)
def test_a_shuffle_loses_the_same_place_of_every_row_or_whole_rows(
    tools: Any, around: Callable[..., Any], alike: Callable[..., None], step: Any, members: list[int]
) -> None:
    """Two of five go: the model answers as if nobody read them."""
    model = around(step)
    graph = graph_of(tools, model)
    channels = read_channels(graph)
    assert [role for role in channels.roles.values() if role in SHUFFLES] == list(SHUFFLES)
    (group,) = channel_groups(graph, channels)
    (maker,) = group.makers
    assert group.members[maker.outputs[0]].tolist() == members
    gone = np.isin(np.arange(5), (1, 3))
    after = narrowed(tools, graph, channels, left_out([group], {0: gone}))
    roles = channels_without_numbers(after).roles
    ends = [call.outputs[0].shape for call in after.calls if roles[id(call)] in SHUFFLES]
    assert [shape[-1] for shape in ends] == [2 if step is back else 3, 3 if step is back else 2, 6]
    kernel = model.get_layer("head").kernel
    (read,) = group.reads
    kernel.assign(np.asarray(kernel) * np.where(gone[read.which], 0.0, 1.0)[:, None])
    alike(model, after)
    assert model_of(tools, after).count_params() == (27 * 6 + 6) + (6 * 2 + 2)


def test_halves_of_a_split_are_followed(tools: Any, network: Callable[..., Any], alike: Callable[..., None]) -> None:
    """As slices are, in equal parts or at places: a branch on one half, shuffled with the other, loses what goes with it."""
    ops = tools.keras3.ops

    def halved(layers: Any, x: Any) -> Any:
        x = layers.Conv2D(10, 3, padding="same", name="first")(x)
        passed, half = ops.split(x, 2, axis=-1)
        joined = layers.Concatenate()([passed, layers.Conv2D(5, 1, name="inner")(half)])
        near, far = ops.split(back(tools.keras3, joined), [4], axis=3)
        return layers.Add()([layers.Dense(2, name="near")(near), layers.Dense(2, name="far")(far)])

    model = network(halved)
    graph = graph_of(tools, model)
    channels = read_channels(graph)
    groups = channel_groups(graph, channels)
    told = [
        (group.size, [call.name for call in group.makers], [call.name for call in group.readers]) for group in groups
    ]
    assert (5, ["first"], ["inner"]) in told
    gone = {place: np.arange(group.size) % 2 == 1 for place, group in enumerate(groups)}
    after = narrowed(tools, graph, channels, left_out(groups, gone))
    parts = [[value.shape[-1] for value in call.outputs] for call in after.calls if call.kind == "Split"]
    assert len(parts) == 2 and all(sum(own) < 10 for own in parts)
    for place, group in enumerate(groups):
        for kernel, which in group.reads:
            stays = np.where((which >= 0) & gone[place][which], 0.0, 1.0)
            kernel.variable.assign(np.asarray(kernel.variable) * kernel.spread(stays))
    alike(model, after)


def test_what_is_no_shuffle_holds_its_channels(tools: Any, around: Callable[..., Any]) -> None:
    """Places that are turned, rows that something else takes too, or that are an output of the two reshapes alone."""
    layers = tools.keras3.layers

    def places_too(keras: Any, x: Any) -> Any:
        x = layers.Permute((2, 1, 4, 3))(layers.Reshape((8, 8, 2, 5))(x))
        return layers.Reshape((8, 8, 10))(x)

    def used_twice(keras: Any, x: Any) -> Any:
        rows = layers.Reshape((8, 8, 2, 5))(x)
        turned = layers.Reshape((8, 8, 10))(layers.Permute((1, 2, 4, 3))(rows))
        return layers.Concatenate()([layers.Reshape((8, 8, 10))(layers.ReLU()(rows)), turned])

    def elsewhere(keras: Any, x: Any) -> Any:
        x = layers.Permute((1, 2, 4, 3))(layers.Reshape((8, 8, 2, 5))(x))
        return layers.Reshape((8, 16, 5))(x)

    for step in (places_too, used_twice, elsewhere):
        graph = graph_of(tools, around(step))
        roles = channels_without_numbers(graph).roles
        assert not set(SHUFFLES) & set(roles.values()) and Role.CLOSED in roles.values()
        assert not channel_groups(graph, read_channels(graph))
