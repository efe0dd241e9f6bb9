"""States that nobody takes are not given out, so that the units of the layer can go; those that somebody takes are."""

from __future__ import annotations

from typing import Any

import pytest

from edgekit.passes.channels.groups import channel_groups
from edgekit.passes.channels.ranges import read_channels

pytestmark = pytest.mark.tf


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "SimpleRNN"])
@pytest.mark.parametrize("sequences", [True, False], ids=["sequences", "last"])
def test_one_value_is_left_of_a_layer_whose_states_nobody_takes(
    tools: Any, layers: Any, rewritten: Any, alike: Any, kind: str, sequences: bool
) -> None:
    """Backwards too, as an import from ONNX has it."""
    entry = tools.keras3.Input((5, 4))
    memory = getattr(layers, kind)(3, return_sequences=sequences, return_state=True, go_backwards=True, name="memory")
    own = tools.keras3.Model(entry, layers.Dense(2, name="head")(memory(entry)[0]))
    graph, told = rewritten(own, "unused_states")
    made = next(call for call in graph.calls if call.name == "memory")
    assert [value.shape for value in made.outputs] == [(5, 3) if sequences else (3,)]
    assert "memory" in told[0] and memory.return_state, "the user's own layer stays as it is"
    assert [group.size for group in channel_groups(graph, read_channels(graph))] == [3]
    alike(own, graph)


def test_the_last_step_that_is_taken_as_a_state_is_the_output(
    tools: Any, layers: Any, rewritten: Any, alike: Any
) -> None:
    """Of a layer that gives all steps, which nobody takes, and of one that gives the last as both, which are added up."""
    entry = tools.keras3.Input((5, 4))
    _, hidden, _ = layers.LSTM(3, return_sequences=True, return_state=True, name="one")(entry)
    last, state = layers.GRU(3, return_state=True, name="other")(entry)
    own = tools.keras3.Model(entry, layers.Add()([hidden, last, state]))
    graph, told = rewritten(own, "unused_states")
    assert [[value.shape for value in call.outputs] for call in graph.calls if call.kind != "Add"] == [[(3,)], [(3,)]]
    assert "one, other" in told[0]
    alike(own, graph)


def test_both_directions_give_their_output_alone(tools: Any, layers: Any, rewritten: Any, alike: Any) -> None:
    entry = tools.keras3.Input((5, 4))
    inner = layers.LSTM(3, return_sequences=True, return_state=True)
    own = tools.keras3.Model(entry, layers.Bidirectional(inner, name="memory")(entry)[0])
    graph, told = rewritten(own, "unused_states")
    assert told and [value.shape for call in graph.calls for value in call.outputs] == [(5, 6)]
    alike(own, graph)


def test_states_that_are_taken_are_given(tools: Any, layers: Any, rewritten: Any) -> None:
    """By a layer, as an output, of two calls, and beside the steps."""
    entry = tools.keras3.Input((5, 4))
    steps, hidden, carry = layers.LSTM(4, return_sequences=True, return_state=True, name="first")(entry)
    second = layers.LSTM(4, return_state=True, name="second")
    last = second(steps, initial_state=[hidden, carry])
    shared = layers.GRU(4, return_state=True, name="shared")
    both = layers.Bidirectional(layers.GRU(4, return_state=True), name="both")(entry)
    ends = [last[0], last[2], shared(entry)[0], shared(steps)[1], both[0], both[1]]
    graph, told = rewritten(tools.keras3.Model(entry, ends), "unused_states")
    assert not told
    assert {call.name: len(call.outputs) for call in graph.calls} == {"first": 3, "second": 3, "shared": 2, "both": 3}
