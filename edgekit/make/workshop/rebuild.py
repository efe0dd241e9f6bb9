"""Normalising for tf_keras: any Sequential or Functional model of either Keras becomes one flat tf_keras Functional model.

The graph is replayed call by call, so that nested models are flattened and shared layers stay shared. The result
is compared with the original on random input before anything else is done with it.
"""

from __future__ import annotations

from typing import Any

from edgekit.keras_graph.call_graph import Replay, dtype_name, flat, graph_of, maker, symbolic
from edgekit.make.workshop.compare import compare
from edgekit.make.workshop.door import Door
from edgekit.make.workshop.keras2.arguments import unpacked
from edgekit.make.workshop.keras2.functions import is_wrapped_function
from edgekit.make.workshop.keras2.held import is_held
from edgekit.make.workshop.layers import make_layer, replay_operation


def rebuild(tools: Door, model: Any, *, where: str) -> tuple[Any, float | None]:
    """The flat tf_keras model and its relative error on random input, below `compare.TOLERANCE`.

    Raises `ModelError` that names the layer which cannot be rebuilt, or the first one whose outputs differ.
    """
    graph = graph_of(model, where)
    builder = _TfKeras(tools, where)
    inputs = [builder.input(tensor) for tensor in flat(graph.inputs)]
    outputs = builder.run(graph, inputs)
    made = tools.keras.Model(inputs=inputs, outputs=outputs, name="model")
    return made, compare(tools, model, made, where).error


class _TfKeras(Replay):
    """Calls tf_keras layers where the source graph calls layers of either Keras."""

    target = "tf_keras"

    def __init__(self, tools: Door, where: str) -> None:
        super().__init__(tools, where)
        self._layers: dict[int, Any] = {}

    def input(self, tensor: Any) -> Any:
        """A tf_keras Input like a source graph's, with a free batch."""
        shape, name = tuple(tensor.shape)[1:], self.unique(maker(tensor).name)
        return self._tools.keras.Input(shape=shape, dtype=dtype_name(tensor), name=name)

    def call(self, operation: Any, args: Any, kwargs: Any) -> list[Any]:
        """The tensors that tf_keras makes of a call."""
        if is_wrapped_function(operation):
            given, named = unpacked(operation.packed, symbolic([args, kwargs]))
            return flat(operation.function(*given, **named))
        result = replay_operation(self._tools, operation, args, kwargs)
        if result is None:
            layer = self._layer(operation)
            if is_held(operation):
                args, kwargs = unpacked(operation.packed, symbolic([args, kwargs]))
            result = layer(*args, **kwargs)
            self._copy_weights(operation)
        return flat(result)

    def _layer(self, operation: Any) -> Any:
        if id(operation) not in self._layers:
            held = operation.inner() if is_held(operation) else operation
            self._layers[id(operation)] = make_layer(self._tools, held, self.unique(operation.name))
        return self._layers[id(operation)]

    def _copy_weights(self, operation: Any) -> None:
        weights = operation.get_weights() if hasattr(operation, "get_weights") else []
        if weights:
            self._layers[id(operation)].set_weights(weights)
