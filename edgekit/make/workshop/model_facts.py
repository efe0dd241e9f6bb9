"""The facts of a normalised model of either Keras, taken layer by layer: shapes, parameters, multiply-accumulates."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import msgspec

from edgekit.documents.facts import RECURRENT, LayerFacts, ModelFacts, TensorFacts
from edgekit.keras_graph.call_graph import calls, dtype_name, maker, symbolic
from edgekit.make.workshop.answers import is_keras3
from edgekit.make.workshop.channel_facts import ChannelFacts, facts_of_channels
from edgekit.make.workshop.door import Door
from edgekit.make.workshop.traced_macs import traced_macs
from edgekit.values import Ends

Shape = tuple[int | None, ...]


def take_facts(
    tools: Door, model: Any, *, sha256: str, kind: str, losses: tuple[str | None, ...], error: float | None
) -> ModelFacts:
    """The `ModelFacts` of a flat model."""
    entries = tuple(layers_of(tools, model)) if is_keras3(model) else tuple(map(_layer, model.layers))
    channels = facts_of_channels(tools, model) if is_keras3(model) else ChannelFacts()
    return ModelFacts(
        sha256=sha256,
        format=kind,
        inputs=tuple(_tensor(tensor) for tensor in model.inputs),
        outputs=tuple(_tensor(tensor) for tensor in model.outputs),
        layers=tuple(channels.told_in(entry) for entry in entries),
        output_kinds=tuple(_output_kind(tensor) for tensor in model.outputs),
        losses=losses,
        rebuilt_error=error,
        groups=channels.groups,
    )


def _tensor(tensor: Any) -> TensorFacts:
    layer = maker(tensor)
    name = layer.name if is_keras3(layer) else tensor.name.split("/")[0]
    return TensorFacts(name=name, shape=tuple(tensor.shape[1:]), dtype=dtype_name(tensor))


def _layer(layer: Any) -> LayerFacts:
    """The facts of a tf_keras layer."""
    entering = symbolic(layer.input)
    return _facts(layer, entering if type(layer).__name__ != "InputLayer" else [], entering, _first(layer.output))


def layers_of(tools: Door, model: Any) -> Iterator[LayerFacts]:
    """The facts of the layers and operations of a flat Keras 3 model, in the order they run; one that is called again counts once."""
    made: dict[int, LayerFacts] = {}
    for tensor in model.inputs:
        made[id(maker(tensor))] = _facts(maker(tensor), [], [tensor], tensor)
    for operation, args, kwargs, produced in calls(model):
        entering = symbolic([args, kwargs])
        found = _facts(operation, entering, entering, _first(produced))
        if found.macs == 0 and any(map(_is_matrix, getattr(operation, "weights", ()))):
            found = msgspec.structs.replace(found, macs=traced_macs(tools, operation, args, kwargs))
        before = made.get(id(operation))
        if before is not None:
            found = msgspec.structs.replace(before, inputs=before.inputs + found.inputs, macs=before.macs + found.macs)
        made[id(operation)] = found
    yield from made.values()


def _facts(layer: Any, inputs: list[Any], entering: list[Any], leaving: Any) -> LayerFacts:
    """One layer or operation, its sources, the tensors that enter it in its first call, and the first that leaves it."""
    weights = layer.get_weights() if hasattr(layer, "get_weights") else []
    kernel = max((weight.shape for weight in weights), key=math.prod, default=None)
    shape = tuple(leaving.shape[1:])
    return LayerFacts(
        name=layer.name,
        kind=type(layer).__name__,
        inputs=tuple(maker(tensor).name for tensor in inputs),
        output_shape=shape,
        parameters=sum(int(weight.size) for weight in weights),
        macs=macs(
            type(layer).__name__,
            entering=tuple(entering[0].shape[1:]) if entering else shape,
            leaving=shape,
            matrices=[tuple(weight.shape) for weight in getattr(layer, "weights", ()) if _is_matrix(weight)],
        ),
        kernel=tuple(kernel) if kernel is not None else None,
        activation=_name(getattr(layer, "activation", None)),
        biases=_biases(layer) if type(layer).__name__ in RECURRENT else 0,
        fused=len(entering) == 1 and _is_fused(layer),
        of_cells=_is_keras(layer, "Bidirectional") and _runs_cells(layer),
    )


def _all(tensors: Any) -> list[Any]:
    return list(tensors) if isinstance(tensors, list | tuple) else [tensors]


def _first(tensors: Any) -> Any:
    return _all(tensors)[0]


def _is_fused(layer: Any) -> bool:
    """Whether a layer with one input is an LSTM that the converter fuses: the usual activations, a bias, no state kept or given out, no loop that is unrolled."""
    if not _is_keras(layer, "LSTM") or not layer.use_bias:
        return False
    names = [_name(activation) for activation in (layer.activation, layer.recurrent_activation)]
    return names == ["tanh", "sigmoid"] and not (layer.unroll or layer.stateful or layer.return_state)


def _runs_cells(layer: Any) -> bool:
    """Whether a layer in both directions runs others than Keras's own recurrent layers with two kernels."""
    return any(type(one).__name__ not in RECURRENT for one in (layer.forward_layer, layer.backward_layer))


def _is_keras(layer: Any, kind: str) -> bool:
    return type(layer).__module__.startswith(("keras.", "tf_keras.")) and type(layer).__name__ == kind


def _name(activation: Any) -> str | None:
    return getattr(activation, "__name__", None)


def _biases(layer: Any) -> int:
    """The weights of a layer that are added."""
    return sum(math.prod(weight.shape) for weight in layer.weights if not _is_matrix(weight))


def _is_matrix(weight: Any) -> bool:
    """Whether a weight is multiplied. The number of dimensions is not enough to tell, for a GRU's bias has two as well."""
    return len(weight.shape) > 1 and "bias" not in weight.name.rpartition("/")[2]


def macs(kind: str, *, entering: Shape, leaving: Shape, matrices: list[tuple[int, ...]]) -> int:
    """Multiply-accumulates of one sample, counted as `tflite/macs.py` does for the operator that the layer becomes.

    Each weight of a kernel is used once for each position: of the output, of the input if the convolution is
    transposed, of time if the layer is recurrent. Products that are not summed (batch normalization) do not count.

    >>> macs("Conv2D", entering=(8, 8, 1), leaving=(6, 6, 4), matrices=[(3, 3, 1, 4)])
    1296
    """
    weights = sum(math.prod(shape) for shape in matrices)
    if kind.endswith("Transpose"):
        return _positions(entering) * weights
    if kind.startswith(("Conv", "DepthwiseConv", "SeparableConv")) or kind == "Dense":
        return _positions(leaving) * weights
    if kind in RECURRENT:
        return (entering[0] or 1) * weights
    return 0


def _positions(shape: Shape) -> int:
    return math.prod(size or 1 for size in shape[:-1])


# Layers that pass on their input, at most in another shape.
_HANDS_ON = (
    "Reshape", "Flatten", "Permute", "Dropout", "ActivityRegularization", "Masking", "Cropping", "UpSampling", "ZeroPadding",
    "SpatialDropout", "RepeatVector",
)  # fmt: skip
_HANDING_OPERATIONS = ("reshape", "expanddims", "squeeze", "transpose", "getitem", "identity", "cast")
_JOINS = ("Average", "Concatenate", "Maximum")
"""Layers whose outputs are between 0 and 1 if their inputs are."""
_SHARES: dict[str, Ends] = {
    "softmax": "softmax",
    "sigmoid": "sigmoid",
    "hard_sigmoid": "sigmoid",
    "keras3_hard_sigmoid": "sigmoid",
}
"""Activations whose outputs are from 0 to 1."""


def _output_kind(tensor: Any) -> Ends:
    """What an output is: the activation of the layer that makes it, found through wrappers and reshaping layers."""
    layer, entering = maker(tensor), _entering(tensor)
    name = type(layer).__name__
    hands_on = name.startswith((*_HANDS_ON, *_JOINS)) or _symbol(layer) in _HANDING_OPERATIONS
    if not hands_on or hasattr(layer, "layer") or not entering:
        return _activation_of(layer)
    kinds: set[Ends] = {_output_kind(part) for part in entering}
    # a softmax sums to 1 along its last axis, so its outputs are probabilities only while that axis is unchanged
    keeps = entering[0].shape[-1] == tensor.shape[-1] and name != "Maximum"
    return kinds.pop() if len(kinds) == 1 and (keeps or "softmax" not in kinds) else "linear"


def _entering(tensor: Any) -> list[Any]:
    """The tensors that the call which made a tensor was given."""
    layer = maker(tensor)
    if is_keras3(layer):
        return list(layer._inbound_nodes[tensor._keras_history.node_index].input_tensors)
    return symbolic(layer.input) if type(layer).__name__ != "InputLayer" else []


def _activation_of(layer: Any) -> Ends:
    """The activation of a layer, or of the one inside a wrapper: TimeDistributed, Bidirectional, a pruning wrapper."""
    inner = getattr(layer, "layer", None) or getattr(layer, "forward_layer", None)
    if inner is not None:
        last = getattr(inner, "layers", None)
        return _activation_of(last[-1] if last else inner)
    if type(layer).__name__ == "Softmax":
        return "softmax"
    name = getattr(getattr(layer, "activation", None), "__name__", "") or _symbol(layer)
    return _SHARES.get(name, "linear")


def _symbol(layer: Any) -> str:
    """The name, without its module, of the TensorFlow operation that a layer calls; of a Keras 3 operation, its class's."""
    if is_keras3(layer) and not hasattr(layer, "weights"):
        return type(layer).__name__.lower()
    return str(getattr(layer, "symbol", None) or "").rpartition(".")[2]
