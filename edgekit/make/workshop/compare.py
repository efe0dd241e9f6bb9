"""Whether a model that was made of another answers as it does: by its outputs on samples in the model's domain, and layer by layer by the weights.

Rounding in float32 is no difference, however far a deep model carries it, and neither is a NaN that both give. A model that gives no finite
numbers is taken, and a note says what could not be compared.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any, NamedTuple

import numpy as np

from edgekit.errors import ModelError
from edgekit.keras_graph.call_graph import as_given, calls, dtype_name, flat, graph_of, inner_graph, structures
from edgekit.keras_graph.flat_graph import FlatGraph, Value, model_of, read_graph
from edgekit.make.workshop.answers import answers, is_keras3
from edgekit.make.workshop.door import Door
from edgekit.make.workshop.stateless import reset_states
from edgekit.passes.difference import difference, rounding
from edgekit.passes.random_samples import COUNT, Samples, Tried, answered, tried
from edgekit.passes.state import state_kept

TOLERANCE = 1e-5
"""Allowed difference of an output, relative to its largest number, without asking how far rounding goes."""
ROUNDINGS = 4.0
"""So many times what one rounding after each call moves: a kernel's own sum is rounded more than once."""


class Compared(NamedTuple):
    """The largest relative difference of the outputs, None where none is a finite number, and what a report says of what was not compared."""

    error: float | None
    note: str


def original(model: Any, graph: FlatGraph, where: str) -> Tried:
    """Samples for a model, of which `graph` is the flat graph in Keras 3, and its answers, its kept states being zeros; raises `ModelError` where it
    cannot be called, with what it raised last."""
    problems: list[Exception] = []

    def asked(samples: Samples) -> list[Any]:
        try:
            with state_kept(graph):
                return [np.asarray(part, np.float64) for part in _from_zeros(model, samples)]
        except Exception as problem:  # TensorFlow's errors, and whatever a user's own layer raises
            problems.append(problem)
            raise

    found = tried(graph, asked, _batch(model))
    if found is None:
        raise _not_called(problems, where) from (problems[-1] if problems else None)
    return found


def _from_zeros(model: Any, samples: Samples) -> list[Any]:
    """A model's answers after its kept states were reset."""
    reset_states(model)
    return answers(model, samples)


def _batch(model: Any) -> int:
    """The number of samples that a model takes: its own where its batch is fixed."""
    fixed = [tensor.shape[0] for tensor in getattr(model, "inputs", None) or () if tensor.shape]
    return next((int(size) for size in fixed if size is not None), COUNT)


def _not_called(problems: list[Exception], where: str) -> ModelError:
    tries = "random input of every size and range that was tried"
    return ModelError(
        "the model cannot be called", where=where,
        received=f"{type(problems[-1]).__name__}: {problems[-1]}"[:400] if problems else tries,
        next_step="call it once on a batch of samples where it is made, and mend what fails there",
    )  # fmt: skip


def compare(
    tools: Door,
    model: Any,
    made: Any,
    where: str,
    *,
    graph: FlatGraph | None = None,
    known: Tried | None = None,
    rewritten: Collection[str] = (),
) -> Compared:
    """What `made` answers, held against `model`.

    `graph` is the flat graph in Keras 3 of the original, and `known` its answers; both are found where they are not given. Layers that were `rewritten`
    have other weights. Raises `ModelError` that names the first layer which differs.
    """
    graph = graph or _graph(tools, model, made)
    known = known or original(model, graph, where)
    if is_keras3(made):
        _require_weights(graph, made, where, rewritten)
    error = compare_answers(tools, model, made, where, graph=graph, known=known, rewritten=rewritten)
    return Compared(error if known.share else None, _note(known))


def compare_on(tools: Door, model: Any, made: Any, where: str, samples: Samples, *, of: str) -> float:
    """The largest relative difference of the answers to given samples; an error calls these `of`. Raises `ModelError` as `compare` does."""
    graph = _graph(tools, model, made)
    answered_by = [np.asarray(part, np.float64) for part in _from_zeros(model, samples)]
    return compare_answers(
        tools, model, made, where, graph=graph, known=Tried(samples, answered_by), rewritten=_with_other_weights(graph, made), of=of,
    )  # fmt: skip


def compare_answers(
    tools: Door,
    model: Any,
    made: Any,
    where: str,
    *,
    graph: FlatGraph,
    known: Tried,
    rewritten: Collection[str] = (),
    of: str = "random input",
) -> float:
    """The largest relative difference of the outputs on known samples; raises `ModelError` where rounding does not explain it."""
    ours = answered(lambda samples: _from_zeros(made, samples), known.samples)
    pairs = [] if ours is None else list(zip(ours, known.outputs, strict=True))
    errors = [difference(*pair) for pair in pairs]
    if ours is None or not max(errors, default=0.0) < TOLERANCE:
        layer = _blamed(tools, model, graph, made, known.samples, rewritten)
        allowed = [] if layer or ours is None else _allowed(tools, graph, known.samples)
        if not allowed or any(not error < most for error, most in zip(errors, allowed, strict=True)):
            raise _different(made, where, layer, errors, of)
    return max(errors, default=0.0)


def _graph(tools: Door, model: Any, made: Any) -> FlatGraph:
    """The flat graph of the one that is of Keras 3; of neither, inputs alone: then nothing is known of their domain, nor of rounding."""
    for one in (model, made):
        if is_keras3(one):
            return read_graph(tools, one)
    inputs = tuple(Value(tuple(tensor.shape)[1:], dtype_name(tensor)) for tensor in made.inputs)
    return FlatGraph(inputs=inputs, names=tuple(made.input_names), calls=(), outputs=())


def _note(known: Tried) -> str:
    if known.is_finite:
        return ""
    if not known.share:
        return "it gives no finite numbers on any random input, so that it could not be compared with the original"
    return f"{1 - known.share:.0%} of its outputs are no finite numbers on random input, as the original's are; the others were compared"


def _allowed(tools: Door, graph: FlatGraph, samples: Samples) -> list[float]:
    with state_kept(graph):
        return [max(TOLERANCE, ROUNDINGS * moved) for moved in rounding(tools, graph, samples)]


def _require_weights(graph: FlatGraph, made: Any, where: str, rewritten: Collection[str]) -> None:
    """Raise `ModelError` where a layer that is still the user's own has other weights: of one alone, the outputs may not show it."""
    ours = _operations(made)
    for name, theirs in {call.name: call.operation for call in graph.calls}.items():
        if name in rewritten or ours.get(name) in (None, theirs) or not hasattr(theirs, "weights"):
            continue
        pairs = zip(theirs.get_weights(), ours[name].get_weights(), strict=False)
        if len(theirs.weights) != len(ours[name].weights) or any(not _equal(*pair) for pair in pairs):
            raise ModelError(
                f"stored for Keras 3, layer {name!r} of type {type(theirs).__name__} has other weights", where=where,
                received="a weight that is not the original's", next_step="replace the layer",
            )  # fmt: skip


def _with_other_weights(graph: FlatGraph, made: Any) -> tuple[str, ...]:
    """The layers of a graph whose namesakes have other weights, for a pass wrote them anew."""
    ours = _operations(made)
    pairs = [(call.operation, ours.get(call.name)) for call in graph.calls if hasattr(call.operation, "get_weights")]
    return tuple(
        theirs.name
        for theirs, mine in pairs
        if mine is None
        or len(theirs.weights) != len(mine.weights)
        or not all(map(_equal, theirs.get_weights(), mine.get_weights()))
    )


def _equal(one: Any, other: Any) -> bool:
    one, other = np.asarray(one), np.asarray(other)
    return one.shape == other.shape and one.tobytes() == other.tobytes()


def _operations(model: Any) -> dict[str, Any]:
    return {operation.name: operation for operation, _, _, _ in calls(graph_of(model, ""))}


def _different(made: Any, where: str, layer: str | None, errors: list[float], of: str) -> ModelError:
    first = f"layer {layer} is the first to differ" if layer else "no single layer differs"
    return ModelError(
        f"rebuilt for {'Keras 3' if is_keras3(made) else 'tf_keras'}, the model answers differently; {first}",
        where=where,
        received=f"relative error {max(errors):.2g} on {of}" if errors else "it cannot be called",
        allowed=f"below {TOLERANCE:g}, or what rounding in float32 explains",
        next_step="replace the layer",
    )


def _blamed(
    tools: Door, model: Any, graph: FlatGraph, made: Any, samples: Samples, rewritten: Collection[str]
) -> str | None:
    """The name and type of the layer that differs; None where none is found, also because the original's layers cannot be called one by one."""
    try:
        return _first_different(tools, model, graph, made, samples, rewritten)
    except Exception:  # what a user's own layer raises when it is called by itself
        return None


def _first_different(
    tools: Door, model: Any, graph: FlatGraph, made: Any, samples: Samples, rewritten: Collection[str]
) -> str | None:
    """The first layer that answers differently when it is given the original's own inputs, so that none is blamed for one before it."""
    ours = _operations(made)
    for operation, given, theirs in _called(tools, model, graph, samples):
        twin = ours.get(operation.name)
        if twin is None or type(twin).__name__ != type(operation).__name__ or operation.name in rewritten:
            continue
        found = answered(lambda _, twin=twin, given=given: flat(twin(*given[0], **given[1])), samples)  # type: ignore[misc]
        if found is not None and not all(difference(*pair) < TOLERANCE for pair in zip(found, theirs, strict=False)):
            return f"{operation.name!r} of type {type(operation).__name__}"
    return None


def _called(tools: Door, model: Any, graph: FlatGraph, samples: Samples) -> Iterator[tuple[Any, Any, list[Any]]]:
    """Each operation of the original, with what it is given and what it answers."""
    is_flat = is_keras3(model) or inner_graph(model) is None
    source = graph_of(model_of(tools, graph) if is_flat else model, "")
    made_by = tools.keras3.Model if is_keras3(source) else tools.keras.Model
    nodes = list(calls(source))
    tensors = {id(part): part for *_, produced in nodes for part in flat(produced)}
    entries = as_given(structures(source)[0], flat(source.inputs))
    found = dict(zip(tensors, flat(_from_zeros(made_by(entries, list(tensors.values())), samples)), strict=True))
    found |= {id(entry): array for entry, array in zip(entries, samples, strict=True)}
    for operation, args, kwargs, produced in nodes:
        yield operation, _given((args, kwargs), found.get), [found[id(part)] for part in flat(produced)]


def _given(argument: Any, array: Callable[[int], Any]) -> Any:
    """Arguments with the arrays of symbolic tensors in their place."""
    if isinstance(argument, dict):
        return {key: _given(part, array) for key, part in argument.items() if key != "training"}
    if isinstance(argument, list | tuple):
        return [_given(part, array) for part in argument]
    return array(id(argument)) if hasattr(argument, "_keras_history") else argument
