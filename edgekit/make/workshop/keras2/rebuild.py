"""A model of Keras 2 as one flat model of Keras 3: its graph is replayed call by call with layers and operations of Keras 3."""

from __future__ import annotations

import inspect
from typing import Any

from edgekit.errors import ModelError, TrustError
from edgekit.keras_graph.call_graph import (
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
from edgekit.make.workshop.keras2.functions import called, is_function
from edgekit.make.workshop.keras2.held import held
from edgekit.make.workshop.keras2.layers import make_layer
from edgekit.make.workshop.tracing import traced


def rebuild(tools: Door, model: Any, *, where: str, trust: bool) -> tuple[Any, dict[str, str]]:
    """The flat Keras 3 model, not yet compared, and the original's names where they had to be replaced.

    Raises `ModelError` that names the layer which cannot be rebuilt.
    """
    graph = inner_graph(model) or _traced(tools, model) or _closed(tools, model) or graph_of(model, where)
    _refuse_ragged(graph, where)
    try:
        return _replayed(tools, graph, where, trust=trust)
    except TrustError:
        raise
    except ModelError as problem:
        try:  # what passes between its layers may be no tensor, but what goes in and comes out is
            return _replayed(tools, _closed(tools, model), where, trust=trust, closed=model)
        except Exception:
            raise problem from None


def _replayed(tools: Door, graph: Any, where: str, *, trust: bool, closed: Any = None) -> tuple[Any, dict[str, str]]:
    """The model of Keras 3 of a graph, in which one model may stay `closed`."""
    builder = _OfKeras2(tools, where, trust=trust, closed=closed)
    inputs = [builder.input(tensor) for tensor in flat(graph.inputs)]
    entering, leaving = structures(graph)
    outputs = as_given(leaving, builder.run(graph, inputs))
    inputs = as_given(entering, inputs)
    single = inputs[0] if len(inputs) == 1 else inputs
    made = tools.keras3.Model(single, outputs[0] if len(outputs) == 1 else outputs, name="model")
    return made, builder.renamed


class _OfKeras2(Replay):
    """Calls Keras 3 layers where the source graph calls layers of Keras 2."""

    target = "Keras 3"

    def __init__(self, tools: Door, where: str, *, trust: bool, closed: Any) -> None:
        super().__init__(tools, where)
        self._trust, self._closed = trust, closed
        self._layers: dict[int, Any] = {}
        self._held: set[int] = set()

    def input(self, tensor: Any) -> Any:
        """An Input like a source graph's, with a free batch."""
        shape, name = tuple(tensor.shape)[1:], self.unique(maker(tensor).name)
        return self._tools.keras3.Input(shape=shape, dtype=dtype_name(tensor), name=name)

    def _called(self, operation: Any, args: Any, kwargs: Any) -> list[Any]:
        return (
            self.call(operation, args, kwargs)
            if operation is self._closed
            else super()._called(operation, args, kwargs)
        )

    def call(self, operation: Any, args: Any, kwargs: Any) -> list[Any]:
        """The tensors that Keras 3 makes of a call."""
        tools = self._tools
        if is_function(operation):
            name = self.unique(operation.name)
            return flat(called(tools, operation, args, kwargs, name=name, trust=self._trust))
        given = {key: value for key, value in kwargs.items() if value is not None and key != "training"}
        args, given = _with_states(tools, operation, args, given)
        layer = self._layer(operation, args, given)
        if id(operation) in self._held:
            results = layer(*symbolic([args, given]))
            layer.inner().set_weights(operation.get_weights())
            return flat(results)
        results = layer(*args, **_known(layer, given))
        if operation.get_weights() and layer.weights:
            self._copy_weights(operation, layer)
        return flat(results)

    def _layer(self, operation: Any, args: Any, kwargs: Any) -> Any:
        if id(operation) not in self._layers:
            name = self.unique(operation.name)
            try:
                made = make_layer(self._tools, operation, name, self._opened)
            except NotImplementedError:  # of a layer inside of it, which Keras 3 has no twin of
                made = None
            if made is None:
                made = held(self._tools, operation, args, kwargs, name)
                self._held.add(id(operation))
            made.trainable = operation.trainable
            self._layers[id(operation)] = made
        return self._layers[id(operation)]

    def _opened(self, model: Any) -> Any:
        return rebuild(self._tools, model, where=self._where, trust=self._trust)[0]

    def _copy_weights(self, operation: Any, layer: Any) -> None:
        """Copy by order; trainable weights come first in both, so the order holds only where the same ones can be trained."""
        was = operation.trainable
        operation.trainable = layer.trainable = True
        layer.set_weights(operation.get_weights()[: len(layer.weights)])
        operation.trainable = layer.trainable = was


def _with_states(tools: Door, operation: Any, args: Any, kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The arguments of a recurrent layer with its first states by name; Keras 2 has them behind the sequence, in one list."""
    is_recurrent = isinstance(operation, tools.keras.layers.RNN | tools.keras.layers.Bidirectional)
    if not is_recurrent or not args or not isinstance(args[0], list | tuple):
        return args, kwargs
    sequence, *states = args[0]
    return (sequence, *args[1:]), {**kwargs, "initial_state": states}


def _known(layer: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a call without switches that are off and that Keras 3's layer does not have."""
    parameters = inspect.signature(layer.call).parameters.values()
    names = {one.name for one in parameters}
    if any(one.kind is one.VAR_KEYWORD for one in parameters):
        return kwargs
    return {key: value for key, value in kwargs.items() if key in names or value is not False}


def _refuse_ragged(graph: Any, where: str) -> None:
    """Raise `ModelError` for an input of rows of unlike length: a `.tflite` file has none."""
    for tensor in flat(graph.inputs):
        kind = type(tensor).__name__.removesuffix("KerasTensor")
        if kind in ("Ragged", "Sparse"):
            raise ModelError(
                f"input {maker(tensor).name!r} is {kind.lower()}, which no .tflite file takes", where=where, received=kind,
                allowed="dense inputs of a fixed shape",
                next_step="begin the model after .to_tensor() (or tf.sparse.to_dense), with rows that are padded to one length",
            )  # fmt: skip


def _closed(tools: Door, model: Any) -> Any:
    """A graph in which the whole model is one layer; None for a model that was never built."""
    graph = inner_graph(model)
    given = graph.input if graph is not None else _entries(tools, model)
    if given is None:
        return None
    if graph is not None:
        given = tools.tf.nest.map_structure(
            lambda one: tools.keras.layers.Input(one.shape[1:], dtype=one.dtype, name=maker(one).name), given
        )
    return tools.keras.Model(given, model(given))


def _entries(tools: Door, model: Any) -> Any:
    """Inputs of the shapes that a subclassed model was built with; None where it never was."""
    shapes = getattr(model, "_build_input_shape", None)
    if shapes is None:
        return None
    return tools.tf.nest.map_structure(lambda shape: tools.keras.layers.Input(tuple(shape)[1:]), _listed(tools, shapes))


def _traced(tools: Door, model: Any) -> Any:
    """What a subclassed model of Keras 2 calls, as a graph with all its weights; None where its `call` does more than that."""
    given = _entries(tools, model)
    if given is None:
        return None
    return traced(tools.keras.Model, model, given)


def _listed(tools: Door, shapes: Any) -> Any:
    """Shapes as leaves of their structure."""
    if isinstance(shapes, tools.tf.TensorShape) or (shapes and not isinstance(shapes[0], list | tuple | dict)):
        return tools.tf.TensorShape(shapes)
    return [_listed(tools, one) for one in shapes]
