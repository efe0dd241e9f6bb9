"""Recurrent layers that keep their state between batches, taken as layers that begin each sequence with zeros.

That is what such a layer answers after its state was reset. A device runs one sequence an inference, and nothing
of the model asks for the state of the one before. (The operator of an LSTM has variables of its own, whether the layer was stateful or not.)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from edgekit.keras_graph.call_graph import flat
from edgekit.keras_graph.flat_graph import FlatGraph
from edgekit.make.workshop.door import Door
from edgekit.make.workshop.own_code import make_known


def stateful_layers(model: Any) -> Iterator[Any]:
    """The recurrent layers of a model of either Keras that keep their state, without the wrappers around them."""
    layers = (layer for layer in model._flatten_layers() if _keeps_state(layer) and hasattr(layer, "states"))
    return (layer for layer in layers if not hasattr(layer, "forward_layer"))


def state_note(model: Any, made: Any) -> tuple[str, ...]:
    """What became of the state in the flat model, for those who read the report; nothing where no layer kept one."""
    left = {layer.name for layer in stateful_layers(made)}  # inside of a closed layer, which is called as it is
    names = ", ".join(layer.name for layer in stateful_layers(model) if layer.name not in left)
    said = "stateful recurrent layers are taken as stateless, so that each inference begins with zeros, as after reset_states"
    operator = "in a file with an LSTM operator the variables are reset before each inference for that"
    return (f"{said}: {names} ({operator})",) if names else ()


def reset_states(model: Any) -> None:
    """Set the kept states of a model's layers to zeros; Keras 3's own function fails with stacked cells."""
    for layer in stateful_layers(model):
        for state in flat(layer.states or []):
            if state is not None:
                state.assign(0 * state)


def without_state(tools: Door, graph: FlatGraph, *, where: str) -> FlatGraph:
    """The graph with other layers in the place of those that keep their state, of the same weights."""
    made: dict[int, Any] = {}
    calls = []
    for call in graph.calls:
        layer = call.operation
        if _keeps_state(layer):
            if id(layer) not in made:
                make_known(tools, layer, where=where)
                made[id(layer)] = _stateless(layer)
            call = dataclasses.replace(call, operation=made[id(layer)])
        calls.append(call)
    return dataclasses.replace(graph, calls=tuple(calls))


def _stateless(layer: Any) -> Any:
    made = type(layer).from_config(layer.get_config())
    for part in made._flatten_layers():
        if _keeps_state(part):
            part.stateful = False
    made.build_from_config(layer.get_build_config())
    made.set_weights(layer.get_weights())
    return made


def _keeps_state(layer: Any) -> bool:
    return bool(getattr(layer, "stateful", False)) and hasattr(layer, "reset_states")
