"""The flat graph of a Keras 3 model as data: calls of layers and operations on values, in the order they run.

Nothing is translated: a call holds the user's own layer or operation, which is called again. Reading opens nested models. A graph is
rewritten as data, without calling any layer, and becomes a model once, at the end.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from edgekit.errors import EdgekitError, ModelError
from edgekit.keras_graph.call_graph import (
    Names,
    as_given,
    calls,
    dtype_name,
    flat,
    inner_graph,
    maker,
    structures,
    symbolic,
)

Opener = Callable[[Any, Any, Any], Any]
"""The graph of an operation that is a model without one, from its arguments; None where it stays closed."""


@dataclasses.dataclass(frozen=True, eq=False)
class Value:
    """What one call makes and others take; each is itself alone. `shape` is without the batch."""

    shape: tuple[int | None, ...]
    dtype: str


@dataclasses.dataclass(frozen=True, eq=False)
class Call:
    """One call of a layer or an operation; `Value`s stand anywhere in its arguments, and `outputs` are flat."""

    operation: Any
    args: Any
    kwargs: Mapping[str, Any]
    outputs: tuple[Value, ...]

    @property
    def name(self) -> str:
        """The name of the layer or operation."""
        return str(self.operation.name)

    @property
    def kind(self) -> str:
        """The class of the layer or operation."""
        return type(self.operation).__name__

    @property
    def inputs(self) -> tuple[Value, ...]:
        """The values among the arguments, in order."""
        return tuple(values_in([self.args, self.kwargs]))

    def taking(self, values: Mapping[Value, Value]) -> Call:
        """The same call with some of its inputs replaced."""
        return dataclasses.replace(self, args=_mapped(self.args, values), kwargs=_mapped(dict(self.kwargs), values))


@dataclasses.dataclass(frozen=True, kw_only=True)
class FlatGraph:
    """A model as calls in the order they run; the inputs have names, layers that are called twice stand in two calls.

    Inputs and outputs are in the order in which the model's user gave them, also those of dicts. `renamed` holds the original's names
    that TensorFlow or Keras does not accept, by the names that stand for them.
    """

    inputs: tuple[Value, ...]
    names: tuple[str, ...]
    calls: tuple[Call, ...]
    outputs: tuple[Value, ...]
    renamed: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def users(self) -> dict[Value, list[Call]]:
        """The calls that take each value; a value that no call takes is an output, or nothing needs it."""
        found: dict[Value, list[Call]] = {}
        for call in self.calls:
            for value in dict.fromkeys(call.inputs):
                found.setdefault(value, []).append(call)
        return found

    def makers(self) -> dict[Value, Call]:
        """The call that makes each value; inputs have none."""
        return {value: call for call in self.calls for value in call.outputs}

    def times(self) -> Counter[int]:
        """How often each operation is called, by its id."""
        return Counter(id(call.operation) for call in self.calls)

    def replaced(self, calls: Sequence[Call], values: Mapping[Value, Value] | None = None) -> FlatGraph:
        """The graph with other calls, in which some values stand for others, and without calls that nothing needs."""
        found = values or {}
        mapped = [call.taking(found) for call in calls]
        outputs = tuple(_end(value, found) for value in self.outputs)
        return dataclasses.replace(self, calls=tuple(_needed(mapped, outputs)), outputs=outputs)


def read_graph(tools: Any, model: Any, opened: Opener | None = None) -> FlatGraph:
    """The flat graph of a Functional or Sequential Keras 3 model. Layers get the names that they have in the flat model, in place."""
    graph = inner_graph(model)
    entering, leaving = structures(graph)
    own = [maker(tensor).name for tensor in flat(graph.inputs)] + [one.name for one, *_ in calls(graph)]
    reader = _Reader(tools, opened or (lambda *_: None), own)
    given = [_value(tensor) for tensor in flat(graph.inputs)]
    names = [reader.names.unique(maker(tensor).name) for tensor in flat(graph.inputs)]
    outputs = reader.read(graph, given)
    found = FlatGraph(
        inputs=tuple(as_given(entering, given)),
        names=tuple(as_given(entering, names)),
        calls=tuple(reader.calls),
        outputs=tuple(as_given(leaving, list(outputs))),
        renamed=reader.names.renamed,
    )
    return found.replaced(found.calls)


class _Reader:
    def __init__(self, tools: Any, opened: Opener, own: Sequence[str]) -> None:
        self._tools, self._opened = tools, opened
        self.calls: list[Call] = []
        self.names = Names(own=own)
        self._named: set[int] = set()

    def read(self, graph: Any, inputs: Sequence[Value]) -> tuple[Value, ...]:
        """Add the calls of a graph, fed with values; returns its outputs."""
        found: dict[int, Value] = {id(old): new for old, new in zip(flat(graph.inputs), inputs, strict=True)}
        for operation, args, kwargs, produced in calls(graph):
            results = self._read_call(operation, _of(args, found), _of(kwargs, found), flat(produced))
            found.update(zip((id(tensor) for tensor in flat(produced)), results, strict=True))
        return tuple(found[id(tensor)] for tensor in flat(graph.outputs))

    def _read_call(self, operation: Any, args: Any, kwargs: Any, produced: list[Any]) -> Sequence[Value]:
        inner = inner_graph(operation)
        if inner is None:
            inner = self._opened(operation, args, kwargs)
        if inner is not None:
            return self.read(inner, list(values_in([args, kwargs])))
        if id(operation) not in self._named:
            self._named.add(id(operation))
            operation.name = self.names.unique(operation.name)
        outputs = tuple(_value(tensor) for tensor in produced)
        self.calls.append(Call(operation, args, kwargs, outputs))
        return outputs


def model_of(tools: Any, graph: FlatGraph, *, where: str = "", kind: Any = None) -> Any:
    """The Functional Keras 3 model of a graph, or one of a subclass; raises `ModelError` that names a call which fails."""
    keras = tools.keras3
    entries = [
        keras.Input(value.shape, dtype=value.dtype, name=name)
        for value, name in zip(graph.inputs, graph.names, strict=True)
    ]
    outputs = _called(graph, entries, where)
    return (kind or keras.Model)(inputs=entries, outputs=outputs, name="model")


def run_graph(
    graph: FlatGraph, arrays: Sequence[Any], *, where: str = "", changed: Callable[[Any], Any] | None = None
) -> list[Any]:
    """The outputs of a graph for a batch, as in inference, call by call and without making a model; `changed` may change each result."""
    return _called(graph, list(arrays), where, training=False, changed=changed)


def _called(
    graph: FlatGraph,
    given: list[Any],
    where: str,
    training: bool | None = None,
    changed: Callable[[Any], Any] | None = None,
) -> list[Any]:
    found: dict[Value, Any] = dict(zip(graph.inputs, given, strict=True))
    for call in graph.calls:
        kwargs = _mapped(dict(call.kwargs), found)
        if training is not None and "training" not in kwargs and _takes_training(call.operation):
            kwargs["training"] = training
        try:
            produced = flat(call.operation(*_mapped(call.args, found), **kwargs))
        except EdgekitError:
            raise
        except Exception as problem:  # a user's own layer may raise anything
            raise ModelError(
                f"layer {call.name!r} of type {call.kind} cannot be called again in Keras 3", where=where,
                received=f"{type(problem).__name__}: {problem}"[:400],
                next_step="replace it by a layer whose call takes tensors alone",
            ) from problem  # fmt: skip
        results = produced if changed is None else map(changed, produced)
        found.update(zip(call.outputs, results, strict=True))
    return [found[value] for value in graph.outputs]


def _takes_training(operation: Any) -> bool:
    return hasattr(operation, "weights") and "training" in inspect.signature(operation.call).parameters


def _needed(calls: Sequence[Call], outputs: Sequence[Value]) -> Iterator[Call]:
    """The calls that the outputs need, in order."""
    wanted, kept = set(outputs), []
    for call in reversed(calls):
        if wanted & set(call.outputs):
            wanted |= set(call.inputs)
            kept.append(call)
    yield from reversed(kept)


def values_in(arguments: Any) -> Iterator[Value]:
    """The values in nested arguments, in the order of `flat`."""
    return (part for part in flat(arguments) if isinstance(part, Value))


def _value(tensor: Any) -> Value:
    return Value(tuple(tensor.shape)[1:], dtype_name(tensor))


def _end(value: Value, values: Mapping[Value, Any]) -> Any:
    while isinstance(value, Value) and value in values:
        value = values[value]
    return value


def _mapped(argument: Any, values: Mapping[Value, Any]) -> Any:
    """Arguments with values replaced."""
    if isinstance(argument, Value):
        return _end(argument, values)
    return _walked(argument, lambda part: _mapped(part, values))


def _of(argument: Any, found: Mapping[int, Value]) -> Any:
    """Arguments of a recorded call, with values in place of Keras's symbolic tensors."""
    if symbolic([argument]) and hasattr(argument, "_keras_history"):
        return found[id(argument)]
    return _walked(argument, lambda part: _of(part, found))


def _walked(argument: Any, changed: Callable[[Any], Any]) -> Any:
    if isinstance(argument, dict):
        return {key: changed(part) for key, part in argument.items()}
    if isinstance(argument, list | tuple):
        parts = [changed(part) for part in argument]
        return type(argument)(*parts) if hasattr(argument, "_fields") else type(argument)(parts)
    return argument
