"""Ranges stand where an int8 operator of the file writes a value, and nowhere else."""

from __future__ import annotations

from typing import Any

import pytest

from edgekit.keras_graph.flat_graph import FlatGraph, read_graph
from edgekit.techniques.fake_quant.ranges import Range, ranged_values

pytestmark = pytest.mark.tf


def ranges(graph: FlatGraph, exclude: tuple[str, ...] = ()) -> dict[str, Range]:
    """The ranges by the name of what makes the value."""
    names = {**dict(zip(graph.inputs, graph.names, strict=True)), **{v: c.name for v, c in graph.makers().items()}}
    return {names[value]: found for value, found in ranged_values(graph, exclude).items()}


def graph_of(tools: Any, build: Any, shape: tuple[int, ...] = (8, 8, 4)) -> FlatGraph:
    entry = tools.keras3.Input(shape, name="entry")
    return read_graph(tools, tools.keras3.Model(entry, build(tools.keras3.layers, entry)))


def test_what_a_convolution_takes_up_has_none(tools: Any) -> None:
    """Its batch normalisation and its ReLU; pools and reshapes have their input's scale."""

    def build(layers: Any, x: Any) -> Any:
        x = layers.ReLU(6.0, name="relu")(layers.BatchNormalization(name="bn")(layers.Conv2D(4, 3, name="conv")(x)))
        x = layers.Flatten(name="flat")(layers.MaxPooling2D(name="pool")(x))
        return layers.Dense(3, activation="softmax", name="classes")(x)

    assert list(ranges(graph_of(tools, build))) == ["entry", "relu"], (
        "nor has the output: its kernel has a range of its own"
    )


def test_a_value_that_two_calls_take_has_one(tools: Any) -> None:
    """It stands in memory, whatever follows."""

    def build(layers: Any, x: Any) -> Any:
        x = layers.Conv2D(4, 3, padding="same", name="conv")(x)
        return layers.ReLU(name="relu")(layers.Add(name="sum")([layers.ReLU(name="first")(x), x]))

    assert list(ranges(graph_of(tools, build))) == ["entry", "conv", "first", "relu"]


def test_scales_and_offsets_behind_a_convolution_are_taken_up(tools: Any) -> None:
    """So that the file has no operator more than without training."""

    def build(layers: Any, x: Any) -> Any:
        return layers.ReLU(6.0, name="relu")(layers.Conv2D(4, 3, name="conv")(x) + 3.0) * 0.5

    found = list(ranges(graph_of(tools, build)))
    assert "conv" not in found and "add" not in found
    assert found[:2] == ["entry", "relu"]


def test_one_factor_before_a_convolution_is_taken_up(tools: Any) -> None:
    """By its kernel; an offset is not, for its padding has none."""

    def build(layers: Any, x: Any, offset: float = 0.0) -> Any:
        x = layers.Conv2D(4, 3, name="conv")(layers.Rescaling(1 / 16, offset, name="scaled")(x))
        return layers.Conv2D(4, 3, padding="same", name="last")(2.0 * x)

    assert list(ranges(graph_of(tools, build))) == ["entry", "last"]
    assert "scaled" in ranges(graph_of(tools, lambda layers, x: build(layers, x, -1.0)))


def test_a_hard_swish_of_four_operations_is_one_value(tools: Any) -> None:
    """As MobileNetV3 writes it; with another constant it is none."""

    def build(layers: Any, x: Any, sixth: float = 1 / 6) -> Any:
        x = layers.MaxPooling2D(name="pool")(layers.DepthwiseConv2D(3, name="conv")(x))
        return layers.Multiply(name="swish")([x, layers.ReLU(6.0, name="clip")(x + 3.0) * sixth])

    assert list(ranges(graph_of(tools, build))) == ["entry", "conv", "swish"]
    other = graph_of(tools, lambda layers, x: build(layers, x, 1 / 5))
    assert "clip" in ranges(other)


@pytest.mark.parametrize("sixth", [lambda x: x / 6.0, lambda x: x * (1 / 6)])
def test_a_hard_swish_may_be_divided_at_its_end(tools: Any, sixth: Any) -> None:
    """The converter knows both forms."""

    def build(layers: Any, x: Any) -> Any:
        x = layers.MaxPooling2D(name="pool")(layers.DepthwiseConv2D(3, name="conv")(x))
        return layers.MaxPooling2D(name="end")(sixth(x * layers.ReLU(6.0, name="clip")(x + 3.0)))

    found = list(ranges(graph_of(tools, build)))
    assert found[:2] == ["entry", "conv"] and len(found) == 3 and "clip" not in found


@pytest.mark.parametrize(
    ("activation", "fixed"),
    [("softmax", (0.0, 255 / 256)), ("sigmoid", (0.0, 255 / 256)), ("tanh", (-1.0, 127 / 128)), ("relu", None)],
)
def test_some_activations_have_a_range_of_their_own(tools: Any, activation: str, fixed: Any) -> None:
    """That of TFLite's kernel, whatever the data."""

    def build(layers: Any, x: Any) -> Any:
        return layers.Dense(3, name="end")(layers.Activation(activation, name="act")(x))

    assert ranges(graph_of(tools, build))["act"].fixed == fixed


def test_what_is_concatenated_shares_the_range_of_the_outcome(tools: Any) -> None:
    """Through a pool, and through a second concatenation; a fixed range is left out of it."""

    def build(layers: Any, x: Any) -> Any:
        a = layers.Conv2D(4, 1, name="a")(x)
        b = layers.MaxPooling2D(1, name="pool")(layers.Conv2D(4, 1, name="b")(a))
        first = layers.Concatenate(name="first")([a, b])
        gate = layers.Conv2D(2, 1, activation="sigmoid", name="gate")(first)
        return layers.Concatenate(name="second")([first, layers.Conv2D(4, 1, name="c")(first), gate])

    found = ranges(graph_of(tools, build))
    assert len({id(found[name]) for name in ("a", "b", "c", "first", "second")}) == 1
    assert len(found["a"].watched) == 2
    assert found["gate"].fixed and found["entry"] is not found["a"]


def test_the_steps_and_the_last_state_of_a_recurrent_layer_share_one(tools: Any) -> None:
    """The state is the last step where the loop is unrolled; what is concatenated of either has that range too, and the steps are watched."""

    def build(layers: Any, x: Any) -> Any:
        first, last = layers.GRU(3, return_sequences=True, return_state=True, name="forward")(x)
        _, end = layers.GRU(3, return_sequences=True, return_state=True, go_backwards=True, name="backward")(x)
        states = layers.Dense(3, name="of_states")(layers.Concatenate(name="states")([last, end]))
        return layers.Add(name="sum")([layers.Dense(3, name="of_steps")(layers.Flatten()(first)), states])

    graph = graph_of(tools, build, (5, 4))
    found, calls = ranged_values(graph), {call.name: call for call in graph.calls}
    (first, last), (_, end) = calls["forward"].outputs, calls["backward"].outputs
    (states,) = calls["states"].outputs
    assert len({id(found[value]) for value in (first, last, end, states)}) == 1
    assert found[first].watched == (states, first), "the states hold their last steps, and nothing else the other steps"
    assert found[graph.inputs[0]] is not found[first] is not found[calls["of_steps"].outputs[0]]


@pytest.mark.parametrize("sequences", [True, False])
def test_of_one_recurrent_layer_what_it_gives_out_first_is_watched(tools: Any, sequences: bool) -> None:
    def build(layers: Any, x: Any) -> Any:
        given, last = layers.SimpleRNN(3, return_sequences=sequences, return_state=True, name="rnn")(x)
        return layers.Add()([layers.Dense(3)(layers.Flatten()(given)), layers.Dense(3)(last)])

    graph = graph_of(tools, build, (5, 4))
    given, last = next(call for call in graph.calls if call.name == "rnn").outputs
    found = ranged_values(graph)
    assert found[given] is found[last] and found[last].watched == (given,)


def test_a_step_that_is_concatenated_does_not_stand_for_all_steps(tools: Any) -> None:
    """Each step is rounded to the range, in which the states of the loop lie too."""

    def build(layers: Any, x: Any) -> Any:
        steps = layers.GRU(3, return_sequences=True, name="steps")(layers.Dense(4, name="wide")(x))
        return layers.Dense(3)(
            layers.Concatenate(name="joined")([steps[:, -1], layers.Dense(2, name="beside")(steps[:, 0])])
        )

    graph = graph_of(tools, build, (5, 4))
    made = {call.name: call.outputs[0] for call in graph.calls}
    assert ranged_values(graph)[made["steps"]].watched == (made["joined"], made["steps"])


def test_what_is_left_out_is_calibrated(tools: Any) -> None:
    """Neither rounded nor given a range; whole numbers have none."""

    def build(layers: Any, x: Any) -> Any:
        x = layers.GlobalAveragePooling1D(name="pool")(layers.Embedding(9, 4, name="table")(x))
        return layers.Dense(2, name="last")(layers.Dense(3, name="first")(x))

    entry = tools.keras3.Input((6,), dtype="int32", name="entry")
    graph = read_graph(tools, tools.keras3.Model(entry, build(tools.keras3.layers, entry)))
    assert list(ranges(graph, exclude=("first",))) == ["table", "pool", "last"]


@pytest.mark.parametrize("clip", ["hard_tanh", "clip to 6", "clip to 1", "ReLU behind a layer normalisation"])
def test_what_is_clipped_at_once_has_none(tools: Any, clip: str) -> None:
    """The converter has the operator before it clip its result."""
    ops = tools.keras3.ops

    def build(layers: Any, x: Any) -> Any:
        x = layers.Conv2D(4, 3, name="conv")(x)
        if clip == "hard_tanh":
            return layers.Activation("hard_tanh", name="last")(x)
        if clip.startswith("clip"):
            return ops.clip(x, *((0.0, 6.0) if clip == "clip to 6" else (-1, 1)))
        return layers.ReLU(name="last")(layers.LayerNormalization(name="between")(x))

    found = list(ranges(graph_of(tools, lambda layers, x: layers.Dense(2, name="dense")(build(layers, x)))))
    assert found[0] == "entry" and "between" not in found
    assert ("conv" in found) is (clip == "ReLU behind a layer normalisation")


def test_a_clip_that_no_operator_does_has_one_before_it(tools: Any) -> None:
    ops = tools.keras3.ops
    found = ranges(graph_of(tools, lambda layers, x: ops.clip(layers.Conv2D(4, 3, name="conv")(x), 0.0, 1.0)))
    assert "conv" in found


def test_a_layer_of_somebodys_own_has_none_before_a_clip(tools: Any) -> None:
    """Nobody knows what it ends with: a sum or a product takes up the clip, as in InceptionResNetV2's scaled branches."""

    class Scaled(tools.keras3.layers.Layer):  # type: ignore[misc]
        def call(self, values: Any) -> Any:
            return values[0] + 0.5 * values[1]

    def build(layers: Any, x: Any) -> Any:
        made = Scaled(name="own")([layers.Dense(4, name="first")(x), layers.Dense(4, name="second")(x)])
        return layers.Dense(2, name="last")(layers.ReLU(name="relu")(made))

    assert list(ranges(graph_of(tools, build, (4,)))) == ["entry", "first", "second", "relu", "last"]
