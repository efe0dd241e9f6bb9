"""Normalizations: `BatchNormalization`, which stays a layer of its own, `GroupNormalization`, `LayerNormalization`, and norms written in operations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgekit.onnx_graph.layout import Laid, flat, moved_array
from edgekit.onnx_graph.operators.registry import builds
from edgekit.onnx_graph.step import CannotExpress, Step, over


@builds("BatchNormalization")
def batch_normalization(step: Step) -> Laid:
    """A `BatchNormalization` layer over ONNX's second axis, wherever it stands."""
    node, given = step.node, step.laid()
    if node.integer("training_mode", 0) or node.integer("spatial", 1) == 0 or any(node.outputs[1:]):
        raise CannotExpress(
            "a batch normalization that is training", "export the model in evaluation mode: model.eval()"
        )
    weights = [step.wanted(index) for index in range(1, 5)]
    channels = given.onnx[1]
    places = [index for index, axis in enumerate(given.keras) if set(axis) == set(channels) and axis]
    if not places and channels:
        given, order = step.whole(given)
        places, channels = [order.index(1)], given.onnx[1]
    if not places:  # one channel
        given, order = step.whole(given)
        if 1 not in order:
            raise CannotExpress("no axis of channels")
        places = [order.index(1)]
    place = places[0]
    moved = [moved_array(array, 0, channels, given.keras[place]) for array in weights]
    axis = -1 if place == len(given.keras) - 1 else place + 1
    layer = step.layer(
        "BatchNormalization",
        axis=axis,
        epsilon=node.number("epsilon", 1e-5),
        momentum=node.number("momentum", 0.9),
        weights=moved,
    )
    return over(given, layer(given.tensor))


@builds("InstanceNormalization", "GroupNormalization")
def group_normalization(step: Step) -> Laid:
    """A `GroupNormalization` layer, channels last; before opset 21 ONNX has a scale a group."""
    given, scale, bias = step.laid(), step.wanted(1), step.wanted(2)
    channels = given.shape[1]
    groups = step.node.integer("num_groups", channels)
    order = (*range(2, given.rank), 1)
    weights = [np.repeat(one, channels // one.size) for one in (scale, bias)]
    layer = step.layer(
        "GroupNormalization", groups=groups, axis=-1, epsilon=step.node.number("epsilon", 1e-5), weights=weights
    )
    return step.made(layer(step.by_order(given, order)), given.shape, order)


@builds("LayerNormalization")
def layer_normalization(step: Step) -> Sequence[Laid]:
    """A `LayerNormalization` layer over ONNX's last axes, wherever they stand; mean and inverse deviation where they are used."""
    given, order = step.whole(step.laid())
    first, epsilon = step.node.integer("axis", -1) % given.rank, step.node.number("epsilon", 1e-5)
    normalized = [axis for axis in order if axis >= first]
    if not normalized:
        raise CannotExpress("a normalization of single numbers")
    places = [order.index(axis) + 1 for axis in normalized]
    weights = [
        _in_order(array, given.shape, first, normalized)
        for array in (step.constant(1), step.constant(2))
        if array is not None
    ]
    axis = -1 if places == [len(order)] else places
    layer = step.layer(
        "LayerNormalization", axis=axis, epsilon=epsilon, scale=step.input(1) is not None, center=step.input(2) is not None,
        weights=weights,
    )  # fmt: skip
    made = over(given, layer(given.tensor))
    return [made, *_moments(step, given, order, places, epsilon)] if any(step.node.outputs[1:]) else [made]


def _in_order(array: np.ndarray, shape: Sequence[int], first: int, normalized: Sequence[int]) -> np.ndarray:
    """A weight for the last axes from `first` on, with its axes in Keras's order and without those of size 1 that Keras has not."""
    full = np.broadcast_to(array, shape[first:])
    left = tuple(axis - first for axis in range(first, len(shape)) if axis not in normalized)
    found: np.ndarray = np.squeeze(full, left).transpose(np.argsort(np.argsort(normalized)))
    return found


def _moments(step: Step, given: Laid, order: Sequence[int], places: Sequence[int], epsilon: float) -> list[Laid]:
    """Mean and inverse deviation, which the normalization has computed inside."""
    ops, gone = step.ops, {order[place - 1] for place in places}
    shape = [1 if axis in gone else size for axis, size in enumerate(given.shape)]
    mean = step.op(ops.mean, given.tensor, axis=tuple(places), keepdims=True, suffix="mean")
    variance = step.op(ops.var, given.tensor, axis=tuple(places), keepdims=True, suffix="variance")
    inverse = step.op(ops.rsqrt, step.op(ops.add, variance, epsilon, suffix="epsilon"), suffix="inverse")
    return [step.made(one, shape, order) for one in (mean, inverse)]


@builds("LpNormalization")
def lp_normalization(step: Step) -> Laid:
    """Numbers over their sum of sizes, or over the root of their sum of squares, along an axis."""
    given, order = step.whole(step.laid())
    axis, ops = step.node.integer("axis", -1) % given.rank, step.ops
    if axis not in order:
        raise CannotExpress("a norm over the batch")
    place = order.index(axis) + 1
    if step.node.integer("p", 2) == 1:
        size = step.op(
            ops.sum, step.op(ops.absolute, given.tensor, suffix="abs"), axis=place, keepdims=True, suffix="sum"
        )
    else:
        squares = step.op(
            ops.sum, step.op(ops.square, given.tensor, suffix="square"), axis=place, keepdims=True, suffix="sum"
        )
        size = step.op(ops.sqrt, squares, suffix="norm")
    return over(given, step.op(ops.divide, given.tensor, step.op(ops.maximum, size, 1e-12, suffix="size")))


@builds("LRN")
def local_response(step: Step) -> Laid:
    """Numbers over a power of the sum of squares of near channels, which is a product with a matrix of ones near its diagonal."""
    node, given, ops = step.node, step.laid(), step.ops
    size, alpha, beta, bias = (
        node.integer("size", 1),
        node.number("alpha", 1e-4),
        node.number("beta", 0.75),
        node.number("bias", 1.0),
    )
    order = (*range(2, given.rank), 1)
    tensor, channels = step.by_order(given, order), given.shape[1]
    before, behind = (size - 1) // 2, size - 1 - (size - 1) // 2
    distance = np.subtract.outer(np.arange(channels), np.arange(channels))  # of a square's channel from the result's
    band = ((-before <= distance) & (distance <= behind)).astype(np.float32) * np.float32(alpha / size)
    sums = step.op(ops.matmul, step.op(ops.square, tensor, suffix="square"), band, suffix="near")
    factor = _over_power(step, step.op(ops.add, sums, bias, suffix="bias"), beta)
    return step.made(step.op(ops.multiply, tensor, factor), given.shape, order, nonnegative=given.nonnegative)


def _over_power(step: Step, tensor: Any, exponent: float) -> Any:
    """One over a power of positive numbers; for powers that AlexNet and GoogLeNet have by roots, for which there are int8 kernels."""
    ops = step.ops
    if exponent not in (0.5, 0.75):
        return step.op(ops.power, tensor, -exponent, suffix="power")
    root = step.op(ops.rsqrt, tensor, suffix="root")
    if exponent == 0.5:
        return root
    return step.op(ops.multiply, step.op(ops.square, root, suffix="power"), step.op(ops.rsqrt, root, suffix="roots"))


@builds("MeanVarianceNormalization")
def mean_variance(step: Step) -> Laid:
    """Numbers less their mean, over their deviation, along some axes."""
    given, ops = step.laid(), step.ops
    axes = step.node.integers("axes") or (0, 2, 3)
    given, order = step.whole(given)
    places = [order.index(axis) + 1 for axis in axes if axis in order]
    if not places or len(flat(given.keras)) == 0:
        raise CannotExpress("a mean over the batch")
    mean = step.op(ops.mean, given.tensor, axis=places, keepdims=True, suffix="mean")
    apart = step.op(ops.subtract, given.tensor, mean, suffix="apart")
    squares = step.op(
        ops.mean, step.op(ops.square, apart, suffix="square"), axis=places, keepdims=True, suffix="variance"
    )
    deviation = step.op(ops.add, step.op(ops.sqrt, squares, suffix="deviation"), 1e-9, suffix="deviation")
    return over(given, step.op(ops.divide, apart, deviation))
