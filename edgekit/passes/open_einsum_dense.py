"""`EinsumDense` made a `Dense` layer between reshapes, where its equation is a product of a matrix with the last axes."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from edgekit.keras_graph.flat_graph import Call, FlatGraph
from edgekit.passes.interface import Pass
from edgekit.passes.kinds import kind
from edgekit.passes.rewriting import Rewriting, weighted


class Axes(NamedTuple):
    """The letters of an equation `<kept><summed>,<kernel>-><kept><new>`."""

    kept: str
    summed: str
    new: str
    kernel: str


class OpenEinsumDense(Pass):
    """A dense layer of the same name; the kernel's axes are put in the order that it needs."""

    name = "open_einsum_dense"
    place = 40
    words = "EinsumDense made Dense, which is pruned, clustered and rounded like others"

    def requires(self, tools: Any, graph: FlatGraph) -> Sequence[Call]:
        """The calls of such layers whose equation allows it."""
        return [call for call in graph.calls if kind(call) == "EinsumDense" and _can_be_opened(call)]

    def apply(self, tools: Any, graph: FlatGraph) -> FlatGraph:
        """Axes that are summed or new are merged into one, and split again, where they are several."""
        places = self.requires(tools, graph)
        rewriting = Rewriting(tools, graph, places)
        for call in places:
            layer, value = call.operation, call.inputs[0]
            dense = rewriting.once(layer, functools.partial(_dense, tools, layer))
            made = rewriting.call(dense, _shaped(tools, rewriting, value, (*_kept(call), dense.kernel.shape[0]), layer))
            rewriting.put(call, _shaped(tools, rewriting, made, (*_kept(call), *_new(layer)), layer))
        return rewriting.done()


def axes_of(equation: str) -> Axes | None:
    """The axes of an equation that a dense layer computes; None for others.

    >>> axes_of("abc,cde->abde")
    Axes(kept='ab', summed='c', new='de', kernel='cde')
    >>> axes_of("...x,xy->...y").new
    'y'
    >>> axes_of("abc,bcd->abd") is None
    True
    """
    given, _, made = equation.replace(" ", "").replace("...", ".").partition("->")
    entering, _, kernel = given.partition(",")
    kept = "".join(letter for letter in entering if letter not in kernel)
    summed, new = entering[len(kept) :], made[len(kept) :]
    plain = len(set(kernel)) == len(kernel) and set(kernel) == set(summed + new) and not set(summed) & set(new)
    fits = entering == kept + summed and made == kept + new
    return Axes(kept, summed, new, kernel) if kept and summed and new and plain and fits else None


def _can_be_opened(call: Call) -> bool:
    axes, layer = axes_of(call.operation.equation), call.operation
    if axes is None or len(call.inputs) != 1:
        return False
    biased = layer.bias_axes is None or set(layer.bias_axes) == set(axes.new)
    free = sum(size is None for size in _kept(call))
    return biased and free <= (1 if len(axes.summed + axes.new) > 2 else len(call.inputs[0].shape))


def _kept(call: Call) -> tuple[int | None, ...]:
    """The sizes of the axes that are kept, without the batch."""
    axes = axes_of(call.operation.equation)
    return call.inputs[0].shape[: -len(axes.summed)] if axes else ()


def _new(layer: Any) -> tuple[int, ...]:
    """The sizes of the new axes, by the kernel: Keras 3.15 names others for an ellipsis of two axes."""
    axes = axes_of(layer.equation)
    return tuple(layer.kernel.shape[axes.kernel.index(letter)] for letter in axes.new) if axes else ()


def _dense(tools: Any, layer: Any) -> Any:
    axes, bias = axes_of(layer.equation), layer.bias
    assert axes is not None
    kernel = np.asarray(layer.kernel)
    rows = int(np.prod([size for letter, size in zip(axes.kernel, kernel.shape, strict=True) if letter in axes.summed]))
    matrix = np.transpose(kernel, [axes.kernel.index(letter) for letter in axes.summed + axes.new]).reshape(rows, -1)
    made = tools.keras3.layers.Dense(
        matrix.shape[1], activation=layer.activation, use_bias=bias is not None, dtype=layer.dtype_policy, trainable=layer.trainable,
        kernel_regularizer=layer.kernel_regularizer, name=layer.name,
    )  # fmt: skip
    return weighted(made, (rows,), matrix, *([np.asarray(bias).reshape(-1)] if bias is not None else []))


def _shaped(tools: Any, rewriting: Rewriting, value: Any, shape: tuple[int | None, ...], layer: Any) -> Any:
    if value.shape == shape:
        return value
    target = tuple(-1 if size is None else size for size in shape)
    return rewriting.call(tools.keras3.layers.Reshape(target, name=f"{layer.name}_reshape"), value)
