"""What planning predicts of a narrower model is what the narrowed graph is: every operator, to the last weight and multiply-accumulate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from edgekit.cost.graph import Graph
from edgekit.cost.lowering import lower
from edgekit.cost.narrower import narrower, uniform
from edgekit.documents.facts import ChannelGroup, ModelFacts
from edgekit.keras_graph.flat_graph import model_of, read_graph
from edgekit.passes.channels.groups import channel_groups, left_out
from edgekit.passes.channels.narrow import narrowed
from edgekit.passes.channels.ranges import read_channels
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.weights import kernels

pytestmark = pytest.mark.tf


def facts_of(tools: Any, model: Any) -> ModelFacts:
    from edgekit.make.workshop.model_facts import take_facts

    return take_facts(tools, model, sha256="", kind="", losses=(), error=0.0)


def cut(tools: Any, model: Any, widths: tuple[int, ...]) -> Any:
    """The model with the first so many channels of each group."""
    from edgekit.make.workshop.flatten import flat_graph

    graph = flat_graph(tools, model, where="test")
    channels = read_channels(graph)
    groups = channel_groups(graph, channels)
    gone = {
        place: np.arange(group.size) >= width for place, (group, width) in enumerate(zip(groups, widths, strict=True))
    }
    return model_of(tools, narrowed(tools, graph, channels, left_out(groups, gone)))


@pytest.mark.parametrize(
    "name",
    [
        "chain",
        "flattened",
        "residual",
        "mobile",
        "joined",
        "crossed",
        "excited",
        "u_net",
        "grouped",
        "in_sections",
        "shuffled",
        "passed_by",
        "parametric",
        "sliced",
        "recurrent",
        "both_ways",
        "remembered",
        "attention",
        "attention_from_one_kernel",
        "attention_of_one_head",
        "turned",
        0,
        1,
    ],
)
def test_a_narrowed_model_is_lowered_to_the_graph_that_was_predicted(
    tools: Any, network: Callable[..., Any], name: str | int
) -> None:
    model = network(name)
    facts = facts_of(tools, model)
    graph = lower(facts)
    is_grouped = any(getattr(layer, "groups", 1) > 1 for layer in model.layers)
    generator = np.random.default_rng(2)
    least = 2 if str(name).startswith("attention") else 1  # heads of one number are no axis
    drawn = tuple(int(generator.integers(least, max(group.size, least + 1))) for group in graph.groups)
    for widths in (drawn, uniform(graph, budget="macs", left=0.4, multiple=2)):
        predicted, true = narrower(graph, widths), facts_of(tools, cut(tools, model, widths))
        again = lower(true)
        assert replace(predicted, groups=()) == replace(again, groups=())
        assert predicted.groups == again.groups or is_grouped  # of one group left, it is an ordinary convolution
        is_whole = list(widths) == [group.size for group in graph.groups]  # groups of four channels or fewer stay
        assert is_whole or (predicted.weights < graph.weights and predicted.macs < graph.macs)
        assert predicted.macs == true.macs
    assert narrower(graph, [group.size for group in graph.groups]) == graph


def test_groups_by_layer_and_by_operator(tools: Any, network: Callable[..., Any]) -> None:
    """The facts name all layers, the lowered graph those that are operators; a flatten counts each place."""
    facts = facts_of(tools, network("flattened"))
    first, dense = facts.groups
    assert first == ChannelGroup(size=4, layers={"first": 4, "flatten": 9 * 4}, reads={"dense": 9 * 4})
    assert dense == ChannelGroup(size=7, layers={"dense": 7, "dropout": 7}, reads={"head": 7})
    assert lower(facts).groups == (first, ChannelGroup(size=7, layers={"dense": 7}, reads={"head": 7}))


def test_facts_and_operators_say_which_channels_a_scale_stands_behind(tools: Any, network: Callable[..., Any]) -> None:
    """One is folded into the layer before it, and one has no scale to rank by; narrower layers keep theirs."""

    def made(layers: Any, x: Any) -> Any:
        x = layers.BatchNormalization()(layers.Conv2D(4, 3, name="first")(x))
        x = layers.BatchNormalization(scale=False)(layers.Conv2D(6, 3, name="second")(x))
        return layers.Conv2D(2, 1, name="head")(x)

    graph = lower(facts_of(tools, network(made)))
    assert [group.scaled for group in graph.groups] == [True, False]
    assert [group.scaled for group in narrower(graph, (3, 2)).groups] == [True, False]


def test_a_recurrent_layer_counts_as_one_that_reads_its_own_channels(tools: Any, network: Callable[..., Any]) -> None:
    """In the facts and in the lowered graph; both directions read the input and their own units."""
    facts = facts_of(tools, network("both_ways"))
    side_by_side, dense, added = facts.groups
    assert side_by_side == ChannelGroup(
        size=4, layers={"side_by_side": 2 * 4}, reads={"side_by_side": 2 * 4, "dense": 2 * 4}
    )
    assert dense == ChannelGroup(size=6, layers={"dense": 6}, reads={"added": 2 * 6})
    assert added == ChannelGroup(size=5, layers={"added": 5}, reads={"added": 2 * 5, "head": 5})
    node = lower(facts).nodes[1]
    assert (node.name, node.reads, node.weights, node.biases) == (
        "side_by_side", 2 * (24 + 4), 2 * 4 * 4 * (24 + 4), 2 * 4 * 4,
    )  # fmt: skip
    narrow = narrower(lower(facts), (3, 6, 5)).nodes[1]
    assert (narrow.width, narrow.weights, narrow.biases, narrow.macs) == (
        2 * 3, 2 * 4 * 3 * (24 + 3), 2 * 4 * 3, 8 * 2 * 4 * 3 * (24 + 3),
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_the_int8_file_of_a_narrow_recurrent_layer_has_the_predicted_weights(
    tools: Any, network: Callable[..., Any], int8: Callable[..., TfliteModel], kind: str
) -> None:
    """An LSTM is one operator; a GRU is unrolled, as in a build, where the first step has no state to multiply."""

    def made(layers: Any, x: Any) -> Any:
        x = getattr(layers, kind)(8, name="memory")(layers.Reshape((4, 48))(x))
        return layers.Dense(2, name="head")(x)

    model = network(made)
    graph = lower(facts_of(tools, model))
    predicted, narrow = narrower(graph, (5,)), read_graph(tools, cut(tools, model, (5,)))
    file = int8(narrow, unrolled=kind == "GRU")
    gates = {"LSTM": 4, "GRU": 3}[kind]
    assert predicted.weights == gates * 5 * (48 + 5) + 5 * 2 < graph.weights
    assert sum(kernel.array.size for kernel in kernels(file)) == predicted.weights
    assert file.macs == predicted.macs - (gates * 5 * 5 if kind == "GRU" else 0)
    assert ("UNIDIRECTIONAL_SEQUENCE_LSTM" in {one.name for one in file.operators}) == (kind == "LSTM")


def test_a_layer_that_is_called_twice_counts_as_it_is_called_first(
    tools: Any, layers: Any, network: Callable[..., Any]
) -> None:
    """An activation without weights between layers of two widths."""

    def made(layers: Any, x: Any) -> Any:
        shared = layers.LeakyReLU(name="shared")
        x = shared(layers.Conv2D(4, 3, name="first")(x))
        x = shared(layers.Conv2D(6, 3, name="second")(x))
        return layers.Conv2D(2, 1, name="head")(x)

    model = network(made)
    facts = facts_of(tools, model)
    assert facts.groups == (
        ChannelGroup(size=4, layers={"first": 4, "shared": 4}, reads={"second": 4}),
        ChannelGroup(size=6, layers={"second": 6}, reads={"head": 6}),
    )
    predicted: Graph = narrower(lower(facts), (3, 2))
    assert predicted == lower(facts_of(tools, cut(tools, model, (3, 2))))
