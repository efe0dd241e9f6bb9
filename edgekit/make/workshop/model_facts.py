"""The facts of a normalised model, taken layer by layer: shapes, parameters, multiply-accumulates."""

from __future__ import annotations

import math
from typing import Any

from edgekit.documents.facts import LayerFacts, ModelFacts, TensorFacts
from edgekit.make.workshop.door import Door
from edgekit.values import Ends

Shape = tuple[int | None, ...]


def take_facts(
    tools: Door, model: Any, *, sha256: str, kind: str, losses: tuple[str | None, ...], error: float
) -> ModelFacts:
    """The `ModelFacts` of a flat tf_keras model."""
    return ModelFacts(
        sha256=sha256,
        format=kind,
        inputs=tuple(_tensor(tensor) for tensor in model.inputs),
        outputs=tuple(_tensor(tensor) for tensor in model.outputs),
        layers=tuple(_layer(layer) for layer in model.layers),
        output_kinds=tuple(_output_kind(tensor) for tensor in model.outputs),
        losses=losses,
        rebuilt_error=error,
    )


def _tensor(tensor: Any) -> TensorFacts:
    return TensorFacts(name=tensor.name.split("/")[0], shape=tuple(tensor.shape[1:]), dtype=tensor.dtype.name)


def _layer(layer: Any) -> LayerFacts:
    weights = layer.get_weights()
    kernel = max((weight.shape for weight in weights), key=math.prod, default=None)
    output = _first(layer.output)
    shape = tuple(output.shape[1:])
    return LayerFacts(
        name=layer.name,
        kind=type(layer).__name__,
        inputs=tuple(tensor._keras_history.layer.name for tensor in _all(layer.input)) if _has_input(layer) else (),
        output_shape=shape,
        parameters=sum(int(weight.size) for weight in weights),
        macs=macs(
            type(layer).__name__,
            entering=tuple(_first(layer.input).shape[1:]),
            leaving=shape,
            matrices=[tuple(weight.shape) for weight in layer.weights if _is_matrix(weight)],
        ),
        kernel=tuple(kernel) if kernel is not None else None,
        activation=getattr(getattr(layer, "activation", None), "__name__", None),
    )


def _has_input(layer: Any) -> bool:
    return type(layer).__name__ != "InputLayer"


def _all(tensors: Any) -> list[Any]:
    return list(tensors) if isinstance(tensors, list | tuple) else [tensors]


def _first(tensors: Any) -> Any:
    return _all(tensors)[0]


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
    if kind in ("LSTM", "GRU", "SimpleRNN", "Bidirectional"):
        return (entering[0] or 1) * weights
    return 0


def _positions(shape: Shape) -> int:
    return math.prod(size or 1 for size in shape[:-1])


# Layers that pass on their input, at most in another shape.
_HANDS_ON = (
    "Reshape", "Flatten", "Permute", "Dropout", "ActivityRegularization", "Masking", "Cropping", "UpSampling", "ZeroPadding",
    "SpatialDropout", "RepeatVector",
)  # fmt: skip
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
    layer = tensor._keras_history.layer
    name = type(layer).__name__
    hands_on = name.startswith((*_HANDS_ON, *_JOINS)) or _symbol(layer) == "reshape"
    if not hands_on or hasattr(layer, "layer"):
        return _activation_of(layer)
    kinds: set[Ends] = {_output_kind(part) for part in _all(layer.input)}
    # a softmax sums to 1 along its last axis, so its outputs are probabilities only while that axis is unchanged
    keeps = _first(layer.input).shape[-1] == tensor.shape[-1] and name != "Maximum"
    return kinds.pop() if len(kinds) == 1 and (keeps or "softmax" not in kinds) else "linear"


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
    """The name, without its module, of the TensorFlow operation that a layer calls."""
    return str(getattr(layer, "symbol", None) or "").rpartition(".")[2]
