"""Channels are followed through heads and products: what is cut or zero there goes from query and key, or from value and output, and nothing else is taken for such."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from edgekit.keras_graph.flat_graph import Call, FlatGraph, model_of, run_graph
from edgekit.passes.channels.dead import dead_channels
from edgekit.passes.channels.groups import channel_groups, left_out
from edgekit.passes.channels.narrow import narrowed
from edgekit.passes.channels.ranges import channels_without_numbers, read_channels
from edgekit.passes.channels.roles import Role
from edgekit.passes.open_attention import OpenAttention
from edgekit.passes.run import run_passes
from edgekit.tflite.weights import kernels

pytestmark = pytest.mark.tf


def graph_of(tools: Any, model: Any) -> FlatGraph:
    """The model's graph with its attention opened."""
    from edgekit.make.workshop.flatten import flat_graph

    return run_passes(tools, flat_graph(tools, model, where="test"), [OpenAttention()]).graph


def answers(file: Any, samples: np.ndarray) -> np.ndarray:
    """What an int8 file answers in LiteRT, as numbers."""
    from edgekit.measure.runtimes.litert import LiteRt

    session = LiteRt().open(file.path)
    (given,), (made,) = session.inputs, session.outputs
    steps = np.clip(np.round(samples / given.scale) + given.zero_point, -128, 127).astype("int8")
    found = np.concatenate([session.run([row[None]])[0] for row in steps]).astype(float)
    return (found - made.zero_point) * made.scale


def layer(graph: FlatGraph, name: str) -> Any:
    (found,) = [call.operation for call in graph.calls if call.name == name]
    return found


def widths(graph: FlatGraph) -> dict[str, int | None]:
    return {call.name: call.outputs[0].shape[-1] for call in graph.calls if hasattr(call.operation, "kernel")}


def multi_head(layers: Any, x: Any) -> Any:
    x = layers.Reshape((16, 12))(x)
    masked = layers.MultiHeadAttention(3, 6, value_dim=5, name="own")(x, x, use_causal_mask=True)
    return layers.Dense(2, name="head")(layers.Add()([x, masked]))


def shared_keys(layers: Any, x: Any) -> Any:
    """Six heads of a query, two of key and value."""
    x = layers.Reshape((16, 12))(x)
    return layers.Dense(2, name="head")(layers.GroupQueryAttention(4, 6, 2, name="own")(x, x))


@pytest.mark.parametrize(
    ("made", "sizes", "after"),
    [
        (multi_head, (6, 5), {"query": 3 * 4, "key": 3 * 4, "value": 3 * 3, "output": 12}),
        (shared_keys, (4, 4), {"query": 6 * 3, "key": 2 * 3, "value": 2 * 2, "output": 12}),
    ],
    ids=["multi_head", "shared_keys"],
)
def test_heads_of_kerass_own_attention_become_narrower(
    tools: Any, network: Callable[..., Any], alike: Callable[..., None], made: Any, sizes: Any, after: Any
) -> None:
    """As if the key's filters and the output's rows for what goes were zero: a key that is constant moves all scores of a query alike."""
    model = network(made)
    graph = graph_of(tools, model)
    channels = read_channels(graph)
    groups = {group.makers[-1].name: group for group in channel_groups(graph, channels)}
    heads = [group for name, group in groups.items() if name.split("_")[-1] in ("query", "key", "value")]
    assert sorted(group.size for group in heads) == sorted(sizes)
    gone = {}
    for place, group in enumerate(heads):
        is_value = group.makers[0].name == "own_value"
        kept = (
            after["value" if is_value else "key"]
            * group.size
            // layer(graph, "own_key" if not is_value else "own_value").units
        )
        gone[place] = np.arange(group.size) < group.size - kept
        for weight, which in group.reads:
            going = (which >= 0) & gone[place][which]
            weight.variable.assign(np.asarray(weight.variable) * weight.spread(np.where(going, 0.0, 1.0)))
    silent = [np.asarray(call.operation.kernel) for call in graph.calls if hasattr(call.operation, "kernel")]
    assert any((kernel == 0).all(axis=0).any() for kernel in silent) and any(
        (kernel == 0).all(axis=1).any() for kernel in silent
    )
    less = narrowed(tools, graph, channels, left_out(heads, gone))
    assert {name: width for name, width in widths(less).items() if name != "head"} == {
        f"own_{part}": width for part, width in after.items()
    }
    alike(model_of(tools, graph), less, tolerance=1e-5)


@pytest.mark.parametrize("name", ["attention", "attention_of_one_head", "attention_from_one_kernel"])
def test_what_is_zero_in_a_head_goes_without_a_change(
    tools: Any, network: Callable[..., Any], alike: Callable[..., None], name: str
) -> None:
    """Numbers of a key that are zero, at another place of each head, and of a value: as many go from each head as from the one that has the fewest."""
    model = network(name)
    graph = graph_of(tools, model)
    heads = {"attention": 3, "attention_from_one_kernel": 2}.get(name, 1)
    zero = {"key": (5, 2), "value": (4, 1)} if name == "attention" else {"key": (6, 2), "value": (6, 1)}
    if name == "attention_from_one_kernel":
        dense, zero = layer(graph, "all"), {"key": (6, 2), "value": (6, 2)}
        places = {"key": 12, "value": 24}
    for part, (size, number) in zero.items():
        kernel = dense if name == "attention_from_one_kernel" else layer(graph, part)
        first = places[part] if name == "attention_from_one_kernel" else 0
        weights = kernel.get_weights()
        for head in range(heads):
            for place in range(number + (head == 0)):  # one more in the first
                for weight in weights:
                    weight[..., first + head * size + (head + place) % size] = 0
        kernel.set_weights(weights)
    before, dead = widths(graph), dead_channels(graph)
    less = narrowed(tools, graph, read_channels(graph), dead)
    now = widths(less)
    if name == "attention_from_one_kernel":
        assert before["all"] - now["all"] == 3 * 2 * 2
    elif heads == 1:  # a channel of the value is that of the sum beside it too
        assert (now["query"], now["key"], now["value"]) == (6 - 3, 6 - 3, 6)
    else:
        assert (now["query"], now["key"], now["value"]) == (3 * (5 - 2), 3 * (5 - 2), 3 * (4 - 1))
    alike(model, less, tolerance=1e-5)


def of_numbers_first(layers: Any, x: Any) -> Any:
    """Heads behind the numbers in them."""

    def split(part: Any) -> Any:
        return layers.Permute((3, 1, 2))(layers.Reshape((16, 4, 3))(part))

    query, key = (split(layers.Dense(12, name=name)(x)) for name in ("query", "key"))
    return query @ layers.Permute((1, 3, 2))(key)


def turned_by_place(layers: Any, x: Any) -> Any:
    """Halves of each head exchanged, as by rotary positions."""

    def split(part: Any) -> Any:
        part = layers.Permute((2, 1, 3))(layers.Reshape((16, 3, 4))(part))
        return layers.Concatenate()([part[..., 2:], part[..., :2]])

    query, key = (split(layers.Dense(12, name=name)(x)) for name in ("query", "key"))
    return query @ layers.Permute((1, 3, 2))(key)


def given_out(layers: Any, x: Any) -> Any:
    """Heads that something else takes too."""
    key = layers.Permute((2, 1, 3))(layers.Reshape((16, 3, 4))(layers.Dense(12, name="key")(x)))
    query = layers.Permute((2, 1, 3))(layers.Reshape((16, 3, 4))(layers.Dense(12, name="query")(x)))
    return layers.Concatenate()([query @ layers.Permute((1, 3, 2))(key), layers.LayerNormalization()(query)])


@pytest.mark.parametrize("made", [of_numbers_first, turned_by_place, given_out])
def test_what_is_not_known_of_products_holds_its_channels(tools: Any, network: Callable[..., Any], made: Any) -> None:
    graph = graph_of(tools, network(lambda layers, x: layers.Softmax()(made(layers, layers.Reshape((16, 12))(x)))))
    free = {call.name for group in channel_groups(graph, read_channels(graph)) for call in group.makers}
    assert not free & {"query", "key"}


@pytest.mark.slow
def test_the_int8_file_of_narrow_heads_answers_as_the_narrow_model(
    tools: Any, network: Callable[..., Any], int8: Callable[..., Any]
) -> None:
    """Half of the numbers of each head: all kernels are narrower in the file, no operator is float, and what rounding changes is a hundredth of the power."""
    graph = graph_of(tools, network(multi_head))
    channels = read_channels(graph)
    groups = channel_groups(graph, channels)
    gone = {place: np.arange(group.size) >= group.size // 2 for place, group in enumerate(groups)}
    less = narrowed(tools, graph, channels, left_out(groups, gone))
    samples = np.random.default_rng(3).uniform(-1, 1, (16, 8, 8, 3)).astype("float32")
    file = int8(less, samples)
    assert sorted(kernel.array.shape for kernel in kernels(file)) == [(2, 12), (6, 12), (9, 12), (9, 12), (12, 6)]
    assert not [one.name for one in file.operators if one.name in ("DEQUANTIZE", "CAST")]
    expected = np.asarray(run_graph(less, [samples])[0])
    error = answers(file, samples) - expected
    assert (error**2).sum() < 0.01 * ((expected - expected.mean()) ** 2).sum()


def test_heads_are_taken_apart_by_a_split_too(
    tools: Any, network: Callable[..., Any], alike: Callable[..., None]
) -> None:
    """As exporters write it: three parts of one kernel, the axis of one left out; each head has 6 numbers, in all three."""
    ops = tools.keras3.ops

    def made(layers: Any, x: Any) -> Any:
        parts = ops.split(
            layers.Reshape((16, 3, 2, 6))(layers.Dense(36, name="all")(layers.Reshape((16, 12))(x))), 3, axis=2
        )
        query, key, value = (ops.transpose(ops.squeeze(part, 2), (0, 2, 1, 3)) for part in parts)
        y = layers.Softmax()(ops.matmul(query, ops.transpose(key, (0, 1, 3, 2)))) @ value
        return layers.Dense(2, name="head")(ops.reshape(ops.transpose(y, (0, 2, 1, 3)), (-1, 16, 12)))

    model = network(made)
    graph = graph_of(tools, model)
    channels = read_channels(graph)
    (group,) = channel_groups(graph, channels)
    assert group.size == 6 and [len(np.unique(one.which)) for one in group.reads] == [6, 7], (
        "rows of the head, columns of the key"
    )
    gone = np.isin(np.arange(6), (0, 3))
    less = narrowed(tools, graph, channels, left_out([group], {0: gone}))
    assert widths(less) == {"all": 24, "head": 2}
    for weight, which in group.reads:
        going = np.where((which >= 0) & gone[which], 0.0, 1.0)
        weight.variable.assign(np.asarray(weight.variable) * weight.spread(going))
    alike(model, less, tolerance=1e-5)


def test_of_a_product_without_scores_query_and_key_go_together(
    tools: Any, network: Callable[..., Any], alike: Callable[..., None]
) -> None:
    """Key and value are multiplied first, as in linear attention: the value stays, what is zero in the key goes from the query too."""

    def made(layers: Any, x: Any) -> Any:
        x = layers.Reshape((16, 12))(x)
        key, value, query = (layers.Dense(8, name=name)(x) for name in ("key", "value", "query"))
        return layers.Softmax()(query @ (layers.Permute((2, 1))(key) @ value))

    model = network(made)
    model.get_layer("key").set_weights([weight * (np.arange(8) > 2) for weight in model.get_layer("key").get_weights()])
    graph = graph_of(tools, model)
    (group,) = channel_groups(graph, read_channels(graph))
    assert [call.name for call in group.makers] == ["key", "query"] and group.size == 8
    less = narrowed(tools, graph, read_channels(graph), dead_channels(graph))
    assert widths(less) == {"key": 5, "query": 5, "value": 8}
    alike(model, less, tolerance=1e-5)


def test_a_way_that_ends_nowhere_is_closed_as_before(tools: Any, network: Callable[..., Any]) -> None:
    """A network that mixes tokens: its dense layers make channels of their own of what was turned."""

    def mixer(layers: Any, x: Any) -> Any:
        x = layers.Reshape((16, 12))(x)
        x = layers.Dense(10, activation="relu", name="channels")(x)
        x = layers.Permute((2, 1))(
            layers.Dense(16, name="back")(layers.Dense(9, name="tokens")(layers.Permute((2, 1))(x)))
        )
        return layers.Dense(2, name="head")(x)

    graph = graph_of(tools, network(mixer))
    known = channels_without_numbers(graph)

    def roles(kind: str) -> list[Role]:
        return [known.roles[id(call)] for call in graph.calls if _is(call, kind)]

    assert roles("Permute") == [Role.CLOSED, Role.CLOSED] and not known.ways.laid
    assert [group.makers[0].name for group in channel_groups(graph, read_channels(graph))] == ["tokens"]


def _is(call: Call, kind: str) -> bool:
    return call.kind == kind
