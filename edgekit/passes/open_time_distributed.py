"""`TimeDistributed` opened: its layer is called on all steps at once, a model inside it becomes part of the graph.

A dense layer takes the steps as they are. Others get batch and steps as one batch, which a reshape before and one after make and undo, so
the number of steps must be known.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgekit.keras_graph.call_graph import inner_graph
from edgekit.keras_graph.flat_graph import Call, FlatGraph, Value, read_graph
from edgekit.passes.interface import Pass
from edgekit.passes.kinds import kind
from edgekit.passes.masked import masked
from edgekit.passes.rewriting import Rewriting

STEPWISE = ("Activation", "Dense", "Dropout", "Identity", "LeakyReLU", "ReLU", "Rescaling", "Softmax")
"""Layers that do the same to each last axis, or to each number, so that more axes before it make no difference."""


class OpenTimeDistributed(Pass):
    """The wrapped layer, under the wrapper's name; the layers of a wrapped model under their own."""

    name = "open_time_distributed"
    place = 20
    words = "TimeDistributed opened, its layer called on all steps at once"

    def requires(self, tools: Any, graph: FlatGraph) -> Sequence[Call]:
        """The calls of such wrappers without a mask, around a layer that keeps no state."""
        places = [call for call in graph.calls if kind(call) == "TimeDistributed"]
        hidden = masked(tools, graph) if places else set()
        return [call for call in places if not hidden & set(call.inputs) and _can_be_opened(call)]

    def apply(self, tools: Any, graph: FlatGraph) -> FlatGraph:
        """The wrapped layers are the user's own, and are called otherwise; a wrapper within one is opened after it."""
        while places := self.requires(tools, graph):
            rewriting = Rewriting(tools, graph, places)
            for call in places:
                _open(tools, graph, rewriting, call)
            graph = rewriting.done()
        return graph


def _open(tools: Any, graph: FlatGraph, rewriting: Rewriting, call: Call) -> None:
    (value,), layer = call.inputs, call.operation.layer
    if inner_graph(layer) is None and not _is_known(graph, layer):
        layer.name = call.name
    if type(layer).__name__ in STEPWISE:
        rewriting.put(call, rewriting.call(layer, value))
        return
    merged = _shaped(tools, rewriting, value, (-1, *value.shape[1:]), f"{call.name}_steps")
    made = _inside(tools, rewriting, layer, merged)
    rewriting.put(call, _shaped(tools, rewriting, made, (-1, value.shape[0], *made.shape), f"{call.name}_batch"))


def _can_be_opened(call: Call) -> bool:
    layer = call.operation.layer
    if len(call.inputs) != 1 or len(call.outputs) != 1 or not layer.built:
        return False
    if any(getattr(inner, "stateful", False) and hasattr(inner, "states") for inner in layer._flatten_layers()):
        return False
    one_port = all(len(ports) == 1 for ports in _ports(layer))
    steps_known = None not in call.inputs[0].shape and None not in call.outputs[0].shape
    return one_port and (steps_known or type(layer).__name__ in STEPWISE)


def _ports(layer: Any) -> tuple[Any, ...]:
    graph = inner_graph(layer)
    return (graph.inputs, graph.outputs) if graph is not None else ()


def _is_known(graph: FlatGraph, layer: Any) -> bool:
    """Whether the wrapped layer is also called without the wrapper, and has its name there."""
    return any(call.operation is layer for call in graph.calls)


def _inside(tools: Any, rewriting: Rewriting, layer: Any, value: Value) -> Value:
    """What a wrapped layer makes of a value, or a wrapped model, whose calls become calls of the graph."""
    if inner_graph(layer) is None:
        return rewriting.call(layer, value)
    return rewriting.inline(read_graph(tools, layer), value)


def _shaped(tools: Any, rewriting: Rewriting, value: Value, shape: tuple[int | None, ...], name: str) -> Value:
    """The value with another batch and the sizes after it."""
    return rewriting.call(tools.keras3.src.ops.numpy.Reshape(shape, name=name), value)
