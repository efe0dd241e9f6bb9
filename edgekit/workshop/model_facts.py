"""The facts of a normalised model, taken layer by layer: shapes, parameters, multiply-accumulates."""

from __future__ import annotations

import math
from typing import Any, Literal

from edgekit.facts import LayerFacts, ModelFacts, TensorFacts
from edgekit.workshop.door import Door

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
    """Whether a weight multiplies: a GRU's bias has two dimensions too."""
    return len(weight.shape) > 1 and "bias" not in weight.name.rpartition("/")[2]


def macs(kind: str, *, entering: Shape, leaving: Shape, matrices: list[tuple[int, ...]]) -> int:
    """Multiply-accumulates of one sample, as `tflite/macs.py` counts those of the operator that the layer becomes.

    Each weight of a kernel is used once for each position: of the output, of the input where the convolution is
    transposed, of time where the layer is recurrent. What is summed up with nothing (batch normalization) does not count.

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


def _output_kind(tensor: Any) -> Literal["softmax", "sigmoid", "linear"]:
    """What an output is: the activation of the layer that makes it."""
    layer = tensor._keras_history.layer
    name = getattr(getattr(layer, "activation", None), "__name__", "")
    if type(layer).__name__ == "Softmax" or name == "softmax":
        return "softmax"
    return "sigmoid" if name == "sigmoid" else "linear"
