"""A flat graph while a pass rewrites it: new calls are made one by one, and stand in the place of an old one.

New layers are built by their shapes and not by calling them; they get names that the graph does not have yet, from those they are given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from edgekit.keras_graph.call_graph import dtype_name, flat
from edgekit.keras_graph.flat_graph import Call, FlatGraph, Value


class Rewriting:
    """Replaces calls of a graph; what is not replaced stays as it is."""

    def __init__(self, tools: Any, graph: FlatGraph, replaced: Iterable[Call]) -> None:
        """`replaced` are the calls that will not stay: their names are free for those that take their places."""
        self._tools, self._graph = tools, graph
        gone = {id(call) for call in replaced}
        self._names = {*graph.names, *(call.name for call in graph.calls if id(call) not in gone)}
        self._known = {id(call.operation) for call in graph.calls if id(call) not in gone}
        self._made: list[Call] = []
        self._instead: dict[int, list[Call]] = {}
        self._values: dict[Value, Value] = {}
        self._parts: dict[int, Any] = {}

    def call(self, operation: Any, *args: Any, **kwargs: Any) -> Value:
        """Call a layer or an operation of one output on values, after all that was made since the last `put`."""
        (made,) = self.several(operation, *args, **kwargs)
        return made

    def several(self, operation: Any, *args: Any, **kwargs: Any) -> tuple[Value, ...]:
        """Call one of any number of outputs."""
        self._named(operation)
        if not getattr(operation, "built", True):
            operation.build((None, *args[0].shape))
        given, words = (
            [self._tensor(part) for part in args],
            {key: self._tensor(part) for key, part in kwargs.items()},
        )
        made = flat(operation.compute_output_spec(*given, **words))
        values = tuple(Value(tuple(one.shape)[1:], dtype_name(one)) for one in made)
        self._made.append(Call(operation, args, kwargs, values))
        return values

    def inline(self, inner: FlatGraph, *values: Value) -> Value:
        """Call all that a graph of one output calls, fed with values."""
        for call in inner.calls:
            self._named(call.operation)
        self._made += inner.calls
        self._values.update(zip(inner.inputs, values, strict=True))
        return inner.outputs[0]

    def once(self, layer: Any, make: Callable[[], Any]) -> Any:
        """What is made of a layer, which is the same for all its calls: one that is called more than once stays so."""
        if id(layer) not in self._parts:
            self._parts[id(layer)] = make()
        return self._parts[id(layer)]

    def put(self, old: Call, *results: Value) -> None:
        """Let what was made since the last `put` stand for a call, and the results for its outputs."""
        self._instead[id(old)], self._made = self._made, []
        self._values.update(zip(old.outputs, results, strict=True))

    def done(self) -> FlatGraph:
        """The rewritten graph."""
        calls = [new for call in self._graph.calls for new in self._instead.get(id(call), [call])]
        return self._graph.replaced(calls, self._values)

    def _named(self, operation: Any) -> None:
        if id(operation) not in self._known:
            self._known.add(id(operation))
            operation.name = self._unique(operation.name)

    def _tensor(self, part: Any) -> Any:
        if isinstance(part, list | tuple):
            return type(part)(self._tensor(one) for one in part)
        return self._tools.keras3.KerasTensor((None, *part.shape), part.dtype) if isinstance(part, Value) else part

    def _unique(self, name: str) -> str:
        found, number = name, 1
        while found in self._names:
            found, number = f"{name}_{number}", number + 1
        self._names.add(found)
        return found


def copied(layer: Any, /, **changes: Any) -> Any:
    """A built layer again, with the same weights and other settings, which must leave the shapes of its weights as they are."""
    made = type(layer).from_config(layer.get_config() | changes)
    made.build_from_config(layer.get_build_config())
    made.set_weights(layer.get_weights())
    return made


def weighted(layer: Any, shape: Sequence[int | None], *weights: Any) -> Any:
    """A new layer, built for inputs of a shape (without the batch) and given its weights."""
    drawn = {name: one for name, one in vars(layer).items() if name.endswith("_initializer")}
    for name in drawn:  # numbers that are drawn and thrown away take half of the time
        setattr(layer, name, _zeros)
    layer.build((None, *shape))
    for name, one in drawn.items():
        setattr(layer, name, one)
    layer.set_weights(list(weights))
    return layer


def _zeros(shape: Sequence[int], dtype: Any = None) -> np.ndarray:
    return np.zeros(shape, dtype)
