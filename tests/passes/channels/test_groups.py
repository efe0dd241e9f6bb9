"""Channels that hang together are one group, and whatever is cut of the groups leaves the model that one would have without their share."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.keras_graph.flat_graph import FlatGraph, model_of, run_graph
from edgekit.passes.channels.groups import Group, channel_groups, left_out
from edgekit.passes.channels.layout import Weight
from edgekit.passes.channels.narrow import narrowed
from edgekit.passes.channels.ranges import read_channels

pytestmark = pytest.mark.tf


def read(tools: Any, model: Any) -> tuple[FlatGraph, tuple[Group, ...]]:
    from edgekit.make.workshop.flatten import flat_graph

    graph = flat_graph(tools, model, where="test")
    return graph, channel_groups(graph, read_channels(graph))


def told(groups: Sequence[Group]) -> list[tuple[int, list[str], list[str]]]:
    """The size of each group, the names of its makers and of its readers, in the order of the makers' names."""
    found = [
        (group.size, sorted(call.name for call in group.makers), sorted(call.name for call in group.readers))
        for group in groups
    ]
    return sorted(found, key=lambda one: one[1])


def cut(tools: Any, graph: FlatGraph, groups: Sequence[Group], gone: Mapping[int, np.ndarray]) -> FlatGraph:
    return narrowed(tools, graph, read_channels(graph), left_out(groups, gone))


def silenced(kernel: Weight, given: np.ndarray) -> None:
    """Zero what a kernel reads of some channels."""
    kernel.variable.assign(np.asarray(kernel.variable) * kernel.spread(np.where(given, 0.0, 1.0)))


def parameters(graph: FlatGraph) -> int:
    return sum(int(weight.numpy().size) for call in graph.calls for weight in getattr(call.operation, "weights", ()))


EXPECTED = {
    "chain": [(6, ["first"], ["second"]), (5, ["second"], ["head"])],
    "flattened": [(7, ["dense"], ["head"]), (4, ["first"], ["dense"])],
    "residual": [
        (8, ["beside", "outer_2"], ["head"]), (4, ["inner_0"], ["outer_0"]), (4, ["inner_1"], ["outer_1"]), (5, ["inner_2"], ["outer_2"]),
        (6, ["outer_0", "outer_1", "stem"], ["beside", "inner_0", "inner_1", "inner_2"]),
    ],
    "mobile": [(4, ["narrow", "stem"], ["point", "wide"]), (6, ["point"], ["head"]), (8, ["wide"], ["narrow"])],
    "joined": [
        (3, ["grown_0"], ["head", "inner_1"]), (3, ["grown_1"], ["head"]), (6, ["inner_0"], ["grown_0"]), (6, ["inner_1"], ["grown_1"]),
        (4, ["stem"], ["head", "inner_0", "inner_1"]),
    ],
    "crossed": [(4, ["a", "c"], ["head"]), (2, ["b", "c"], ["head"]), (3, ["b", "d"], ["head"])],
    "excited": [(6, ["conv", "excite"], ["head", "squeeze"]), (3, ["squeeze"], ["excite"])],
    "u_net": [
        (6, ["far"], ["merged", "up"]), (4, ["merged"], ["head"]), (4, ["near"], ["far", "merged"]), (5, ["up"], ["merged"]),
    ],
    "grouped": [(3, ["first"], ["head"])],
    "in_sections": [(5, ["again"], ["head"]), (3, ["first"], ["grouped"]), (6, ["grouped"], ["again"])],
    "shuffled": [
        (2, ["inner_0"], ["outer_0"]), (1, ["inner_0"], ["outer_0"]), (2, ["inner_1"], ["outer_1"]), (1, ["inner_1"], ["outer_1"]),
        (8, ["outer_0", "outer_1", "stem"], ["head", "inner_0", "inner_1"]),
    ],
    "passed_by": [
        (4, ["far", "near"], ["first_0"]), (2, ["far", "near", "second_0"], ["first_1"]), (2, ["far", "near", "second_0", "second_1"], ["head"]),
        (6, ["first_0"], ["second_0"]), (6, ["first_1"], ["second_1"]),
    ],
    "by_place": [(5, ["first"], ["head"])],
    "parametric": [(5, ["first"], ["second"]), (4, ["second"], ["third"]), (6, ["third"], ["head"])],
    "sliced": [(6, ["both"], ["halves"]), (4, ["halves"], ["head"]), (4, ["halves"], ["inner"]), (4, ["inner"], ["head"])],
    "recurrent": [(6, ["after"], ["after", "before"]), (5, ["before"], ["before", "lstm"]), (7, ["lstm"], ["head", "lstm"])],
    "both_ways": [(5, ["added"], ["added", "head"]), (6, ["dense"], ["added"]), (4, ["side_by_side"], ["dense", "side_by_side"])],
    "attention": [(5, ["key", "query"], []), (4, ["value"], ["output"])],
    "attention_from_one_kernel": [(6, ["all"], ["output"]), (12, ["output"], ["head"])],
    "attention_of_one_head": [(6, ["beside", "value"], ["head"]), (6, ["key", "query"], [])],
    "turned": [(5, ["first"], ["second"]), (6, ["second"], ["head"])],
    "remembered": [(6, ["simple", "steps"], ["head", "simple"])],
}  # fmt: skip


@pytest.mark.parametrize("name", EXPECTED)
def test_what_hangs_together_is_one_group(tools: Any, network: Callable[..., Any], name: str) -> None:
    _, groups = read(tools, network(name))
    assert told(groups) == EXPECTED[name]


def test_a_stored_model_has_the_same_groups(tools: Any, network: Callable[..., Any], tmp_path: Path) -> None:
    """A slice's key comes back as a list."""
    network("sliced").save(tmp_path / "model.keras")
    _, groups = read(tools, tools.keras3.saving.load_model(tmp_path / "model.keras"))
    assert told(groups) == EXPECTED["sliced"]


@pytest.mark.parametrize("name", [*EXPECTED, *range(6)])
def test_a_cut_is_the_model_without_the_share_of_what_is_cut(
    tools: Any, network: Callable[..., Any], alike: Callable[..., None], name: str | int
) -> None:
    """Random choices: as if the readers' weights for those channels were zero; every shape fits, and the parameters are those of the shapes."""
    model = network(name)
    graph, groups = read(tools, model)
    generator = np.random.default_rng(1)
    gone = {}
    for place, group in enumerate(groups):
        left = generator.integers(1, group.size + 1)
        gone[place] = generator.permutation(group.size) >= left
    dead = left_out(groups, gone)
    after = cut(tools, graph, groups, gone)
    for call in graph.calls:
        (now,) = [one for one in after.calls if one.name == call.name]
        for value, fewer in zip((*call.inputs, *call.outputs), (*now.inputs, *now.outputs), strict=True):
            share = 1 - dead[value].mean() if value in dead else 1
            assert math.prod(fewer.shape) == pytest.approx(share * math.prod(value.shape))
    made = model_of(tools, after)
    assert made.count_params() == parameters(after) < parameters(graph)
    for place, group in enumerate(groups):
        for kernel, which in group.reads:
            silenced(kernel, (which >= 0) & gone[place][which])
    alike(model, after)


def test_the_parameters_are_those_of_the_shapes(tools: Any, network: Callable[..., Any]) -> None:
    """A chain to four and three filters; a residual to half of all."""
    graph, groups = read(tools, network("chain"))
    after = cut(tools, graph, groups, {0: np.arange(6) < 2, 1: np.arange(5) % 2 == 1})
    assert parameters(graph) == (27 * 6 + 6) + 4 * 6 + (9 * 6 * 5 + 5) + (5 * 2 + 2)
    assert parameters(after) == (27 * 4 + 4) + 4 * 4 + (9 * 4 * 3 + 3) + (3 * 2 + 2)
    graph, groups = read(tools, network("residual"))
    after = cut(
        tools, graph, groups, {place: np.arange(group.size) >= group.size // 2 for place, group in enumerate(groups)}
    )
    block = (9 * 3 * 2 + 2) + 9 * 2 * 3 + 4 * 3
    assert parameters(after) == (27 * 3 + 3) + 2 * block + (9 * 3 * 2 + 2) + (3 * 4 + 4) + (9 * 2 * 4 + 4) + (4 * 2 + 2)


def test_channels_of_several_places_or_filters_are_one(tools: Any, network: Callable[..., Any]) -> None:
    """Behind a flatten once for each place, behind a depthwise convolution that doubles twice, and a whole group of a grouped one."""
    for name, maker, counted in (
        ("flattened", "first", [1, 9]),
        ("mobile", "stem", [1, 2]),
        ("grouped", "first", [2, 4]),
        ("shuffled", "stem", [3]),
    ):
        _, groups = read(tools, network(name))
        (group,) = [one for one in groups if any(call.name == maker for call in one.makers)]
        times = {int(np.bincount(which[which >= 0]).min()) for which in group.members.values()}
        assert sorted(times) == counted
        assert all(len(set(np.bincount(which[which >= 0]))) == 1 for which in group.members.values())


def test_the_units_of_both_directions_go_in_pairs(tools: Any, network: Callable[..., Any]) -> None:
    """A cut of the second and the fourth leaves the columns of all gates, the rows and the biases of the others, in each direction."""
    graph, groups = read(tools, network("both_ways"))
    place = next(place for place, group in enumerate(groups) if group.size == 4)
    (maker,) = groups[place].makers
    assert groups[place].members[maker.outputs[0]].tolist() == [0, 1, 2, 3, 0, 1, 2, 3]
    after = cut(tools, graph, groups, {place: np.array([False, True, False, True])})
    (now,) = [call for call in after.calls if call.name == "side_by_side"]
    columns = [gate * 4 + unit for gate in range(4) for unit in (0, 2)]
    for name in ("forward_layer", "backward_layer"):
        own, narrow = (getattr(call.operation, name).cell for call in (maker, now))
        np.testing.assert_array_equal(narrow.kernel, np.asarray(own.kernel)[:, columns])
        np.testing.assert_array_equal(narrow.recurrent_kernel, np.asarray(own.recurrent_kernel)[[0, 2]][:, columns])
        np.testing.assert_array_equal(narrow.bias, np.asarray(own.bias)[columns])
    assert now.outputs[0].shape == (8, 4)


def test_recurrent_layers_that_keep_or_hand_on_a_state_stay_whole(tools: Any, network: Callable[..., Any]) -> None:
    """So do cells that are stacked, gates that look across units, and what a constraint holds or a mask steps over."""

    def made(layers: Any, x: Any) -> Any:
        x = layers.Reshape((8, 24))(x)
        x, state = layers.GRU(3, return_sequences=True, return_state=True, name="gives_out")(x)
        x = layers.GRU(3, return_sequences=True, name="is_given")(x, initial_state=state)
        x = layers.RNN([layers.LSTMCell(4), layers.LSTMCell(3)], return_sequences=True, name="stacked")(x)
        x = layers.GRU(4, recurrent_activation="softmax", return_sequences=True, name="across")(x)
        x = layers.GRU(4, recurrent_constraint="max_norm", return_sequences=True, name="constrained")(x)
        x = layers.GRU(4, return_sequences=True, name="masked")(layers.Masking()(x))
        x = layers.GRU(5, return_sequences=True, name="free")(layers.Conv1D(3, 1, name="point")(x))
        return layers.SimpleRNN(2, name="out")(x)

    _, groups = read(tools, network(made))
    assert told(groups) == [(5, ["free"], ["free", "out"]), (3, ["point"], ["free"])]


def test_a_sum_of_concatenations_ties_pairs(tools: Any, network: Callable[..., Any]) -> None:
    graph, groups = read(tools, network("crossed"))
    (maker,) = [call for call in graph.calls if call.name == "c"]
    found = [group.members[maker.outputs[0]].tolist() for group in groups if maker.outputs[0] in group.members]
    assert sorted(found) == [[-1, -1, -1, -1, 0, 1], [0, 1, 2, 3, -1, -1]]


def test_two_inputs_and_two_outputs(tools: Any, layers: Any) -> None:
    """What is added to an input, is an output, or goes into softmax before another layer, stays."""
    keras = tools.keras3
    one, other = keras.Input((5,)), keras.Input((4,))
    first, second = (
        layers.Dense(6, activation="relu", name="first")(one),
        layers.Dense(6, activation="relu", name="second")(other),
    )
    out = layers.Dense(3, name="out")(layers.Add()([first, second]))
    added = layers.Add()([layers.Dense(4, name="added")(first), other])
    mixed = layers.Dense(5, activation="softmax", name="mixed")(added)
    model = keras.Model([one, other], [out, layers.Dense(2, name="head")(mixed)])
    graph, groups = read(tools, model)
    assert told(groups) == [(6, ["first", "second"], ["added", "out"])]
    after = cut(tools, graph, groups, {0: np.arange(6) > 0})
    assert [value.shape for value in after.outputs] == [(3,), (2,)]
    arrays = [np.ones((2, 5), "float32"), np.ones((2, 4), "float32")]
    assert [np.asarray(found).shape for found in run_graph(after, arrays)] == [(2, 3), (2, 2)]


def test_what_is_not_known_stays_whole(tools: Any, network: Callable[..., Any]) -> None:
    """Layers that are shared, constrained, a user's own, that look across channels or count them, and all that is tied to what they take or make."""

    def made(layers: Any, x: Any) -> Any:
        class Own(layers.Conv2D):  # type: ignore[misc, name-defined]
            pass

        shared = layers.Conv2D(3, 3, padding="same", name="shared")
        x = layers.Conv2D(3, 1, name="before")(x)
        x = shared(shared(x))
        x = layers.LayerNormalization()(layers.Conv2D(4, 3, name="across")(x))
        x = Own(5, 3, name="own")(layers.Conv2D(4, 1, name="for_own")(x))
        x = layers.Dropout(0.1, noise_shape=(None, 1, 1, 4))(layers.Conv2D(4, 1, name="counted")(x))
        x = layers.Dropout(0.1, noise_shape=(None, 1, 1, None))(layers.Conv2D(6, 1, name="free")(x))
        return layers.Conv2D(2, 1, kernel_constraint="max_norm", name="head")(
            layers.Conv2D(3, 1, name="constrained")(x)
        )

    _, groups = read(tools, network(made))
    assert told(groups) == [(6, ["free"], ["constrained"])]


def test_a_cut_can_be_cut_again(tools: Any, network: Callable[..., Any]) -> None:
    """In rounds: the groups of a narrower graph are those of the first, smaller."""
    graph, groups = read(tools, network("mobile"))
    after = cut(tools, graph, groups, {place: np.arange(group.size) == 0 for place, group in enumerate(groups)})
    again = channel_groups(after, read_channels(after))
    assert [(size - 1, made, taken) for size, made, taken in told(groups)] == told(again)
    last = cut(tools, after, again, {place: np.arange(group.size) > 0 for place, group in enumerate(again)})
    assert {group.size for group in channel_groups(last, read_channels(last))} == {1}
