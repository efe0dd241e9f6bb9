"""A recurrent layer gives out only what is taken: one that gives its states too, which nobody takes, is like any other afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgekit.keras_graph.flat_graph import Call, FlatGraph, Value
from edgekit.passes.interface import Pass
from edgekit.passes.kinds import kind
from edgekit.passes.rewriting import Rewriting, copied

ONE_WAY = ("LSTM", "GRU", "SimpleRNN")
"""Layers whose first state is their last step."""
KINDS = (*ONE_WAY, "Bidirectional")


class UnusedStates(Pass):
    """Recurrent layers without the states that nobody takes, and without the steps where only the last one is taken as a state."""

    name = "unused_states"
    place = 25
    words = "without states that nothing takes"

    def requires(self, tools: Any, graph: FlatGraph) -> Sequence[Call]:
        """The calls of layers that are called once and give out states, of which the output or the last step is all that is taken."""
        users, times = graph.users(), graph.times()
        taken = {*users, *graph.outputs}
        return [
            call
            for call in graph.calls
            if kind(call) in KINDS
            and getattr(call.operation, "return_state", False)
            and times[id(call.operation)] == 1
            and _is_one(call, taken)
        ]

    def apply(self, tools: Any, graph: FlatGraph) -> FlatGraph:
        """What such a layer makes stands for its output and for the state that is the same."""
        places, users = self.requires(tools, graph), graph.users()
        rewriting = Rewriting(tools, graph, places)
        for call in places:
            layer, output = call.operation, call.outputs[0]
            sequences = layer.return_sequences and (output in users or output in graph.outputs)
            plain = copied(layer, **_settings(layer, sequences))
            made = rewriting.call(plain, *call.args, **call.kwargs)
            rewriting.put(call, *(made for _ in call.outputs))
        return rewriting.done()


def _is_one(call: Call, taken: set[Value]) -> bool:
    """Whether all that is taken of a call is one value: its output, or the last step as a state; something is taken."""
    places = {place for place, value in enumerate(call.outputs) if value in taken}
    if not places <= {0, 1} or not places or (1 in places and kind(call) not in ONE_WAY):
        return False
    return len(places) == 1 or not call.operation.return_sequences


def _settings(layer: Any, sequences: bool) -> dict[str, Any]:
    """The changes to a layer's settings; those of both directions are told by the layers inside."""
    changes = {"return_state": False, "return_sequences": sequences}
    if type(layer).__name__ in ONE_WAY:
        return changes
    config = layer.get_config()
    inside = [name for name in ("layer", "backward_layer") if name in config]
    return {name: config[name] | {"config": config[name]["config"] | changes} for name in inside}
