"""Which groups of channels are the code that a whole model passes through."""

from __future__ import annotations

from typing import Any

import pytest

from edgekit.keras_graph.flat_graph import read_graph
from edgekit.passes.channels.code import without_codes
from edgekit.passes.channels.groups import channel_groups
from edgekit.passes.channels.ranges import read_channels

pytestmark = pytest.mark.tf


def codes(tools: Any, given: Any, outputs: Any) -> dict[str, bool]:
    """Whether the group that each layer makes is a code."""
    graph = read_graph(tools, tools.keras3.Model(given, outputs))
    groups = channel_groups(graph, read_channels(graph))
    kept = without_codes(graph, groups)
    return {call.name: not any(group is one for one in kept) for group in groups for call in group.makers}


def chain(tools: Any, *units: int) -> dict[str, bool]:
    """Of dense layers one behind another, the last of them the output; layers are named by their place."""
    layers = tools.keras3.layers
    given = x = tools.keras3.Input((64,))
    for place, width in enumerate(units[:-1]):
        x = layers.ReLU()(layers.BatchNormalization()(layers.Dense(width, name=str(place))(x)))
    return codes(tools, given, layers.Dense(units[-1])(x))


def test_the_middle_of_an_autoencoder_is_its_code(tools):
    assert chain(tools, 32, 16, 4, 16, 64) == {"0": False, "1": False, "2": True, "3": False}


def test_layers_of_one_width_are_none(tools):
    assert not any(chain(tools, 8, 8, 8, 64).values())


def test_the_first_and_the_last_hidden_layer_are_none(tools):
    """Nothing is wider on one of their sides but an end of the model."""
    assert not any(chain(tools, 4, 32, 4, 64).values())


def test_a_classifier_has_none(tools):
    """Its narrow layer is not narrower than what it answers."""
    assert not any(chain(tools, 32, 8, 32, 10).values())


def test_a_value_with_a_way_around_it_is_none(tools):
    """As the middle of a U-Net, or the gate of squeeze-and-excite."""
    layers = tools.keras3.layers
    given = tools.keras3.Input((64,))
    wide = layers.Dense(32, name="wide")(given)
    narrow = layers.Dense(4, name="narrow")(wide)
    joined = layers.Dense(32, name="last")(layers.Add()([wide, layers.Dense(32, name="back")(narrow)]))
    assert codes(tools, given, layers.Dense(64)(joined))["narrow"] is False


def test_channels_that_a_map_holds_many_times_are_none(tools):
    """Few behind the pooling, many before it: one group."""
    layers = tools.keras3.layers
    given = tools.keras3.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, name="map")(layers.Conv2D(4, 1)(given))
    x = layers.Dense(64)(layers.GlobalAveragePooling2D()(x))
    assert codes(tools, given, layers.Dense(64)(x))["map"] is False
