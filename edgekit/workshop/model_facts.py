"""The facts of a normalised model, taken layer by layer: shapes, parameters, multiply-accumulates."""

from __future__ import annotations

import math
from typing import Any, Literal

from edgekit.facts import LayerFacts, ModelFacts, TensorFacts
from edgekit.workshop.door import Door


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
        macs=_macs(type(layer).__name__, kernel, shape, weights),
        kernel=tuple(kernel) if kernel is not None else None,
        activation=getattr(getattr(layer, "activation", None), "__name__", None),
    )


def _has_input(layer: Any) -> bool:
    return type(layer).__name__ != "InputLayer"


def _all(tensors: Any) -> list[Any]:
    return list(tensors) if isinstance(tensors, list | tuple) else [tensors]


def _first(tensors: Any) -> Any:
    return _all(tensors)[0]


def _macs(kind: str, kernel: Any, shape: tuple[int | None, ...], weights: list[Any]) -> int:
    """Multiply-accumulates of one sample: each weight of a kernel is used once for each position of the output."""
    if kernel is None:
        return 0
    positions = math.prod(size or 1 for size in shape[:-1])
    if kind.startswith(("Conv", "DepthwiseConv")):
        return positions * math.prod(kernel)
    if kind == "SeparableConv2D":
        return positions * sum(math.prod(weight.shape) for weight in weights[:2])
    if kind == "Dense":
        return positions * math.prod(kernel)
    if kind in ("LSTM", "GRU", "SimpleRNN", "Bidirectional"):
        return sum(math.prod(weight.shape) for weight in weights if weight.ndim > 1) * _steps(shape)
    if kind == "BatchNormalization":
        return math.prod(size or 1 for size in shape)
    return 0


def _steps(shape: tuple[int | None, ...]) -> int:
    """Time steps of a recurrent layer, as far as its output shows them."""
    return (shape[0] or 1) if len(shape) == 2 else 1


def _output_kind(tensor: Any) -> Literal["softmax", "sigmoid", "linear"]:
    """What an output is: the activation of the layer that makes it."""
    layer = tensor._keras_history.layer
    name = getattr(getattr(layer, "activation", None), "__name__", "")
    if type(layer).__name__ == "Softmax" or name == "softmax":
        return "softmax"
    return "sigmoid" if name == "sigmoid" else "linear"
