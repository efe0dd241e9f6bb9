"""A layer as its factors in a flat Keras 3 graph: new layers, the last of which has the layer's name, bias and activation.

At full rank they compute what the layer did, up to float rounding. A stride, a padding and a dilation are taken along one axis by each factor of a
pair, which the zeros of a padding allow: the first factor has no bias, so that it makes zeros of them. Keras comes as the argument `door`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

import numpy as np

from edgekit.keras_graph.flat_graph import Call, FlatGraph
from edgekit.passes.kinds import kind
from edgekit.passes.rewriting import Rewriting, weighted
from edgekit.techniques.factors.choose import Made
from edgekit.techniques.factors.nodes import CORE, FIRST, is_free
from edgekit.techniques.sites import LAYER_KINDS

BARE = {
    "use_bias": False, "activation": None, "bias_regularizer": None, "activity_regularizer": None, "kernel_constraint": None,
    "bias_constraint": None,
}  # fmt: skip
"""What a factor before the last does not have of its layer."""


def places(graph: FlatGraph, exclude: Collection[str] = ()) -> Iterator[Call]:
    """The calls of layers that can be factorised: dense layers and convolutions of Keras's own, without groups, called once."""
    times, names = graph.times(), {call.name for call in graph.calls}
    for call in graph.calls:
        layer = call.operation
        fits = kind(call) in LAYER_KINDS and getattr(layer, "groups", 1) == 1 and len(call.inputs) == 1
        is_last = getattr(layer, "data_format", "channels_last") == "channels_last"
        if fits and is_free(call.name, names) and is_last and times[id(layer)] == 1 and call.name not in exclude:
            yield call


def with_factors(
    door: Any, graph: FlatGraph, choose: Callable[[np.ndarray], Made | None], exclude: Collection[str] = ()
) -> FlatGraph:
    """The graph with the factors that `choose` makes of each kernel; a layer for which there are none stays the user's own."""
    chosen = [(call, choose(np.asarray(call.operation.kernel))) for call in places(graph, exclude)]
    rewriting = Rewriting(door, graph, [call for call, made in chosen if made is not None])
    for call, made in chosen:
        if made is None:
            continue
        value = call.inputs[0]
        for layer, weights in zip(_layers(call.operation, made), _weights(call.operation, made), strict=True):
            value = rewriting.call(weighted(layer, value.shape, *weights), value)
        rewriting.put(call, value)
    return rewriting.done()


def _weights(layer: Any, made: Made) -> Iterator[list[np.ndarray]]:
    """The weights of each factor, in the shape that a layer of this kind has them in."""
    for position, kernel in enumerate(made.kernels):
        window = kernel.shape[: len(layer.kernel.shape) - 2]
        has_bias = position == len(made.kernels) - 1 and layer.use_bias
        yield [kernel.reshape(*window, *kernel.shape[-2:]), *([np.asarray(layer.bias)] if has_bias else [])]


def _layers(layer: Any, made: Made) -> list[Any]:
    sizes = [one.shape[-1] for one in made.kernels]
    names = (f"{layer.name}{FIRST}", f"{layer.name}{CORE}")[: len(sizes) - 1]
    moves = _moves(layer, made)
    before = [
        _again(layer, name=name, **_width(layer, size), **BARE, **move)
        for name, size, move in zip(names, sizes, moves, strict=False)
    ]
    last = _again(layer, activation=None, kernel_constraint=None, **moves[-1])
    last.activation = layer.activation  # also one that is no name
    return [*before, last]


def _again(layer: Any, **changes: Any) -> Any:
    return type(layer).from_config(layer.get_config() | changes)


def _width(layer: Any, size: int) -> dict[str, int]:
    return {"units" if type(layer).__name__ == "Dense" else "filters": size}


def _moves(layer: Any, made: Made) -> list[dict[str, Any]]:
    """How each factor moves over its input: nothing for a dense layer, else the size of its window, strides, padding and dilation."""
    if type(layer).__name__ == "Dense":
        return [{}, {}]
    axes = range(len(layer.kernel_size))
    still = _move(layer, ())
    if made.factors.form == "tucker":
        return [still, _move(layer, axes), still]
    if len(layer.kernel_size) == 1 or layer.kernel_size[1] == 1:
        return [_move(layer, axes), still]
    return [_move(layer, (0,)), _move(layer, (1,))]


def _move(layer: Any, axes: Collection[int]) -> dict[str, Any]:
    """The layer's own movement along some axes, and none along the others."""

    def along(sizes: Any) -> tuple[int, ...]:
        return tuple(size if axis in axes else 1 for axis, size in enumerate(sizes))

    return {
        "kernel_size": along(layer.kernel_size), "strides": along(layer.strides), "dilation_rate": along(layer.dilation_rate),
        "padding": layer.padding if len(axes) else "valid",
    }  # fmt: skip
