"""Normalising in Keras 3: a model of it becomes one flat Functional model, with the user's own layers and operations called again.

Nothing is translated, so that whatever Keras 3 can call is taken. Nested models are opened. A subclassed one is traced where its `call`
only calls layers and operations; else, as a custom layer, it stays closed and is one operation.
"""

from __future__ import annotations

from typing import Any

from edgekit.errors import ModelError
from edgekit.make.workshop.call_graph import (
    Replay,
    as_given,
    dtype_name,
    flat,
    graph_of,
    inner_graph,
    maker,
    structures,
    symbolic,
)
from edgekit.make.workshop.door import Door


def flatten(tools: Door, model: Any, *, where: str) -> tuple[Any, dict[str, str]]:
    """The flat Keras 3 model, which shares its layers with the original, and the original's names where they had to be replaced.

    Raises `ModelError` if the model cannot be called.
    """
    graph = inner_graph(model) or _subclassed(tools, model, where)
    builder = _Keras3(tools, where)
    inputs = [builder.input(tensor) for tensor in flat(graph.inputs)]
    entering, leaving = structures(graph)
    outputs = as_given(leaving, builder.run(graph, inputs))
    return tools.keras3.Model(inputs=as_given(entering, inputs), outputs=outputs, name="model"), builder.renamed


def closed_layers(model: Any) -> tuple[str, ...]:
    """Names of a flat model's layers that are no layers of Keras itself: nothing is known of what they do inside."""
    return tuple(layer.name for layer in model.layers if is_closed(layer))


def is_closed(layer: Any) -> bool:
    """Whether a layer is a user's own (a custom layer or a subclassed model), or one of Keras 2 that Keras 3 has no twin of."""
    return not type(layer).__module__.startswith(("keras.", "tf_keras.")) and not hasattr(layer, "symbol")


class _Keras3(Replay):
    """Calls the source graph's own layers and operations."""

    target = "Keras 3"

    def __init__(self, tools: Door, where: str) -> None:
        super().__init__(tools, where)
        self._renamed: set[int] = set()
        self._traced: dict[int, Any] = {}

    def input(self, tensor: Any) -> Any:
        """An Input like a source graph's, with a free batch."""
        shape, name = tuple(tensor.shape)[1:], self.unique(maker(tensor).name)
        return self._tools.keras3.Input(shape=shape, dtype=dtype_name(tensor), name=name)

    def call(self, operation: Any, args: Any, kwargs: Any) -> list[Any]:
        """The tensors of one more call of the same layer or operation, which gets a name of its own in the flat model."""
        traced = self._opened(operation, args, kwargs)
        if traced is not None:
            return self.run(traced, symbolic([args, kwargs]))
        if id(operation) not in self._renamed:
            self._renamed.add(id(operation))
            operation.name = self.unique(operation.name)
        return flat(operation(*args, **kwargs))

    def _opened(self, operation: Any, args: Any, kwargs: Any) -> Any:
        """The graph of a subclassed model that is called as a layer; None where it stays closed. Traced once, as its layers are."""
        if not isinstance(operation, self._tools.keras3.Model) or len(args) != 1 or symbolic(kwargs):
            return None
        if id(operation) not in self._traced:
            self._traced[id(operation)] = _traced(
                self._tools, operation, self._tools.keras3.tree.map_structure(lambda x: x.shape, args[0])
            )
        return self._traced[id(operation)]


def _subclassed(tools: Door, model: Any, where: str) -> Any:
    """The graph of a subclassed model, or of the model as one layer."""
    shapes = _input_shapes(model)
    if shapes is None:
        graph_of(model, where)  # raises that there is none
    traced = _traced(tools, model, shapes)
    if traced is not None:
        return traced
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
    try:
        traced = tools.keras3.Model(given, model.call(given))
    except Exception:  # a user's own code may raise anything
        return None
    is_whole = {id(weight) for weight in traced.weights} == {id(weight) for weight in model.weights}
    return traced if is_whole else None


def _inputs(tools: Door, shapes: Any) -> Any:
    return tools.keras3.tree.map_shape_structure(lambda shape: tools.keras3.Input(tuple(shape)[1:]), shapes)


def _input_shapes(model: Any) -> Any:
    """The shapes that a subclassed model was built with; None where it never was."""
    found = (model.get_build_config() or {}) if hasattr(model, "get_build_config") else {}
    return found.get("input_shape") or found.get("shapes_dict")
