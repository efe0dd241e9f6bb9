"""Normalising in Keras 3: a model of it becomes one flat Functional model, with the user's own layers and operations called again.

Nothing is translated, so that whatever Keras 3 can call is taken. Nested models are opened. A subclassed one is traced where its `call`
only calls layers and operations; else, as a custom layer, it stays closed and is one operation.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from edgekit.errors import ModelError
from edgekit.keras_graph.call_graph import graph_of, inner_graph
from edgekit.keras_graph.flat_graph import FlatGraph, Value, model_of, read_graph, values_in
from edgekit.make.workshop.answers import built_shapes
from edgekit.make.workshop.door import Door
from edgekit.make.workshop.tracing import traced
from edgekit.passes import passes
from edgekit.passes.random_samples import Tried
from edgekit.passes.run import run_passes


class Flattened(NamedTuple):
    """A flat Keras 3 model, what the passes over its graph did, a sentence each, and the names of the calls that they made or made anew."""

    model: Any
    passes: tuple[str, ...]
    rewritten: frozenset[str]


def flatten(
    tools: Door, read: FlatGraph, *, where: str, known: Tried | None = None, to_train: bool = False
) -> Flattened:
    """The flat Keras 3 model of a graph after the passes, which shares with the original the layers that no pass rewrites.

    Of one that is still `to_train`, passes that take the weights for trained ones are left out. What the passes make is held against the answers that are `known` of the original. Raises `ModelError` if the model cannot be called.
    """
    chosen = [one for one in passes() if not (to_train and one.after_training)]
    graph, told = run_passes(tools, read, chosen, known)
    own = {id(call.operation) for call in read.calls}
    rewritten = frozenset(call.name for call in graph.calls if id(call.operation) not in own)
    return Flattened(model_of(tools, graph, where=where), told, rewritten)


def source_of(tools: Door, model: Any, *, where: str) -> Any:
    """The Keras 3 model whose graph is read: the model itself, or what a subclassed one is traced as, with the structure of its ends."""
    return model if inner_graph(model) is not None else _subclassed(tools, model, where)


def flat_graph(tools: Door, model: Any, *, where: str) -> FlatGraph:
    """The flat graph of a Keras 3 model; raises `ModelError` if it cannot be called."""
    opened_before: dict[int, Any] = {}

    def opened(operation: Any, args: Any, kwargs: Any) -> Any:
        """The graph of a subclassed model that is called as a layer; None where it stays closed. Traced once, as its layers are."""
        if not isinstance(operation, tools.keras3.Model) or len(args) != 1 or list(values_in(kwargs)):
            return None
        if id(operation) not in opened_before:
            opened_before[id(operation)] = _traced(tools, operation, tools.keras3.tree.map_structure(_shape, args[0]))
        return opened_before[id(operation)]

    return read_graph(tools, source_of(tools, model, where=where), opened)


def _shape(value: Value) -> Any:
    return (None, *value.shape)


def closed_layers(model: Any) -> tuple[str, ...]:
    """Names of a flat model's layers that are no layers of Keras itself: nothing is known of what they do inside."""
    return tuple(layer.name for layer in model.layers if is_closed(layer))


def is_closed(layer: Any) -> bool:
    """Whether a layer is a user's own (a custom layer or a subclassed model), or one of Keras 2 that Keras 3 has no twin of."""
    return not type(layer).__module__.startswith(("keras.", "tf_keras.")) and not hasattr(layer, "symbol")


def _subclassed(tools: Door, model: Any, where: str) -> Any:
    """The graph of a subclassed model, or of the model as one layer."""
    shapes = built_shapes(model)
    if shapes is None:
        graph_of(model, where)  # raises that there is none
    found = _traced(tools, model, shapes)
    if found is not None:
        return found
    given = _inputs(tools, shapes)
    try:
        return tools.keras3.Model(given, model(given))
    except Exception as problem:  # a user's own code may raise anything
        raise ModelError(
            f"the {type(model).__name__} model cannot be called", where=where, received=f"{type(problem).__name__}: {problem}"[:400],
            next_step="write it as a Functional model",
        ) from problem  # fmt: skip


def _traced(tools: Door, model: Any, shapes: Any) -> Any:
    """What a subclassed model calls, as a Functional model with all its weights; None where its `call` does more than that."""
    given = _inputs(tools, shapes)
    return traced(tools.keras3.Model, model, given)


def _inputs(tools: Door, shapes: Any, name: str | None = None) -> Any:
    """Inputs of these shapes, those of a dict under its keys."""
    if isinstance(shapes, dict):
        return {key: _inputs(tools, one, str(key)) for key, one in shapes.items()}
    if isinstance(shapes, list | tuple) and any(isinstance(one, dict | list | tuple) for one in shapes):
        return [_inputs(tools, one) for one in shapes]
    return tools.keras3.Input(tuple(shapes)[1:], name=name)
