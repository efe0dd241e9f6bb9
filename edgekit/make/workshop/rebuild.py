"""Normalising: any Sequential or Functional model of either Keras becomes one flat tf_keras Functional model.

The graph is replayed call by call, so that nested models are flattened and shared layers stay shared. The result
is compared with the original on random input before anything else is done with it.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np

from edgekit.errors import EdgekitError, ModelError
from edgekit.make.workshop.door import Door
from edgekit.make.workshop.layers import make_layer, replay_operation

TOLERANCE = 1e-5
COMPARED_SAMPLES = 4


def rebuild(tools: Door, model: Any, *, where: str) -> tuple[Any, float]:
    """The flat tf_keras model and its relative error on random input, below `TOLERANCE`.

    Raises `ModelError` that names the layer which cannot be rebuilt, or the first one whose outputs differ.
    """
    graph = _graph(model, where)
    _check_weights(model, where)
    builder = _Replay(tools, where)
    inputs = [builder.input(tensor) for tensor in _flat(graph.inputs)]
    outputs = builder.run(graph, inputs)
    flat = tools.keras.Model(inputs=inputs, outputs=outputs, name="model")
    error = _compare(tools, model, flat, where)
    return flat, error


def _graph(model: Any, where: str) -> Any:
    """The object that holds the call graph: a Functional model itself, or the one inside a Sequential."""
    graph = getattr(model, "_functional", None) or model
    if not getattr(graph, "_nodes_by_depth", None):
        kind = type(model).__name__
        built = "call it once, or give it an Input" if kind == "Sequential" else "write it as a Functional model"
        raise ModelError(
            f"a {kind} model without a graph cannot be rebuilt", where=where, received=kind,
            allowed="Sequential with an Input, or Functional", next_step=built,
        )  # fmt: skip
    return graph


def _check_weights(model: Any, where: str) -> None:
    for weight in model.weights:
        value = np.asarray(weight)
        if value.dtype.kind == "f" and not np.isfinite(value).all():
            name = getattr(weight, "path", weight.name)
            raise ModelError(
                "a weight that is no finite number (NaN or infinite)",
                where=f"{where}: {name}",
                next_step="train the model again",
            )


def _flat(tensors: Any) -> list[Any]:
    if isinstance(tensors, dict):
        return [tensor for key in tensors for tensor in _flat(tensors[key])]
    return [part for tensor in tensors for part in _flat(tensor)] if isinstance(tensors, list | tuple) else [tensors]


class _Replay:
    """Calls tf_keras layers in the order of a source graph; nested graphs are replayed in place, not called as layers."""

    def __init__(self, tools: Door, where: str) -> None:
        self._tools, self._where = tools, where
        self._layers: dict[int, Any] = {}
        self._names: set[str] = set()

    def input(self, tensor: Any) -> Any:
        """A tf_keras Input like a source graph's, with a free batch."""
        shape, dtype = tuple(tensor.shape)[1:], str(getattr(tensor.dtype, "name", tensor.dtype))
        source = tensor._keras_history
        layer = getattr(source, "operation", None) or source.layer
        return self._tools.keras.Input(shape=shape, dtype=dtype, name=self._unique(layer.name))

    def run(self, graph: Any, inputs: list[Any]) -> list[Any]:
        """The output tensors of a graph fed with `inputs`."""
        tensors = {id(old): new for old, new in zip(_flat(graph.inputs), inputs, strict=True)}
        for operation, args, kwargs, produced in _calls(graph):
            try:
                results = self._call(operation, _mapped(args, tensors), _mapped(kwargs, tensors))
            except EdgekitError:
                raise
            except Exception as problem:
                raise ModelError(
                    f"layer {operation.name!r} of type {type(operation).__name__} cannot be rebuilt for tf_keras",
                    where=self._where,
                    received=f"{type(problem).__name__}: {problem}"[:400],
                    next_step="replace it by a layer that both Keras versions have, or register a tf_keras version with --import",
                ) from problem
            tensors.update(zip((id(tensor) for tensor in _flat(produced)), results, strict=True))
        return [tensors[id(tensor)] for tensor in _flat(graph.outputs)]

    def _call(self, operation: Any, args: Any, kwargs: Any) -> list[Any]:
        inner = getattr(operation, "_functional", None) or operation
        if getattr(inner, "_nodes_by_depth", None):
            return self.run(inner, _flat(args))
        result = replay_operation(self._tools, operation, args, kwargs)
        if result is None:
            result = self._layer(operation)(*args, **kwargs)
            self._copy_weights(operation)
        return _flat(result)

    def _layer(self, operation: Any) -> Any:
        if id(operation) not in self._layers:
            self._layers[id(operation)] = make_layer(self._tools, operation, self._unique(operation.name))
        return self._layers[id(operation)]

    def _copy_weights(self, operation: Any) -> None:
        weights = operation.get_weights() if hasattr(operation, "get_weights") else []
        if weights:
            self._layers[id(operation)].set_weights(weights)

    def _unique(self, name: str) -> str:
        candidate, number = name, 1
        while candidate in self._names:
            candidate, number = f"{name}_{number}", number + 1
        self._names.add(candidate)
        return candidate


def _calls(graph: Any) -> Iterator[tuple[Any, Any, Any, Any]]:
    """(layer or operation, args, kwargs, outputs) of each call in execution order, for the nodes of either Keras."""
    for depth in sorted(graph._nodes_by_depth, reverse=True):
        for node in graph._nodes_by_depth[depth]:
            if node.is_input:
                continue
            if hasattr(node, "operation"):  # Keras 3
                kwargs = _without_default_training(node.operation, node.arguments.kwargs)
                yield node.operation, node.arguments.args, kwargs, node.output_tensors
            else:  # tf_keras
                yield node.layer, node.call_args, node.call_kwargs, node.outputs


def _without_default_training(operation: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a Keras 3 call, without a `training` that is True or the default of the layer's `call`.

    Keras 3 records that default (True for RandomFlip, False for Dropout, GaussianNoise and LSTM) as if it were given, and tf_keras would obey it
    for good: the layer would be active always, or never, even in a fine-tune. Keras 3 ignores a True if the model is called with False.
    """
    if "training" not in kwargs:
        return kwargs
    parameter = inspect.signature(operation.call).parameters.get("training")
    default = None if parameter is None else parameter.default
    if kwargs["training"] is not True and kwargs["training"] is not default:
        return kwargs
    return {name: value for name, value in kwargs.items() if name != "training"}


def _mapped(value: Any, tensors: dict[int, Any]) -> Any:
    """Arguments of a call with the source graph's tensors replaced by the new ones."""
    if isinstance(value, dict):
        return {key: _mapped(part, tensors) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_mapped(part, tensors) for part in value)
    return tensors.get(id(value), value)


def _compare(tools: Door, model: Any, flat: Any, where: str) -> float:
    """Largest difference of the outputs on random input, relative to the largest output."""
    generator = np.random.default_rng(0)
    samples = [_random(generator, tensor) for tensor in flat.inputs]
    ours = [np.asarray(part) for part in _flat(flat(samples, training=False))]
    given: Any = samples if len(samples) > 1 else samples[0]
    theirs = [np.asarray(part) for part in _flat(model(given, training=False))]
    error = max(_relative(a, b) for a, b in zip(ours, theirs, strict=True))
    if not error < TOLERANCE:
        raise ModelError(
            f"rebuilt for tf_keras, the model answers differently; {_first_different(tools, model, flat, samples)}",
            where=where,
            received=f"relative error {error:.2g} on random input",
            allowed=f"below {TOLERANCE:g}",
            next_step="replace the layer, or give the model as module:function built with tf_keras",
        )
    return error


def _random(generator: np.random.Generator, tensor: Any) -> np.ndarray:
    """Random input with the shape of a model's input; free dimensions get size 8."""
    shape = (COMPARED_SAMPLES, *(8 if size is None else size for size in tensor.shape[1:]))
    if "int" in tensor.dtype.name:
        return generator.integers(0, 2, shape).astype(tensor.dtype.name)
    return generator.uniform(-1, 1, shape).astype(tensor.dtype.name)


def _relative(ours: np.ndarray, theirs: np.ndarray) -> float:
    return float(np.abs(ours - theirs).max() / max(float(np.abs(theirs).max()), 1e-12))


def _first_different(tools: Door, model: Any, flat: Any, samples: list[np.ndarray]) -> str:
    """The first layer whose outputs differ, found by comparing layers of the same name."""
    graph = _graph(model, "")
    keras = tools.keras if isinstance(model, tools.keras.Model) else tools.keras3
    given: Any = samples if len(samples) > 1 else samples[0]
    for operation, _, _, produced in _calls(graph):
        names = [layer.name for layer in flat.layers]
        if operation.name not in names or len(_flat(produced)) != 1:
            continue
        theirs = keras.Model(graph.inputs, _flat(produced)[0])(given, training=False)
        ours = tools.keras.Model(flat.inputs, flat.get_layer(operation.name).output)(samples, training=False)
        if not _relative(np.asarray(ours), np.asarray(theirs)) < TOLERANCE:
            return f"layer {operation.name!r} of type {type(operation).__name__} is the first to differ"
    return "no single layer differs"
