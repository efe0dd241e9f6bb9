"""Resize and Upsample: `UpSampling2D` where the factor is whole, TensorFlow's resize where it looks up the same places, else constant look-ups."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from edgekit.onnx_graph.layout import Laid
from edgekit.onnx_graph.operators.pieces import order_with
from edgekit.onnx_graph.operators.registry import builds
from edgekit.onnx_graph.step import CannotExpress, Step
from edgekit.values import Value


class Scaled(Value):
    """One axis of a resize: its ONNX axis, the sizes before and after, and the scale that places are computed with."""

    axis: int
    size: int
    out: int
    scale: float


@builds("Resize", "Upsample")
def resize(step: Step) -> Laid:
    """A tensor with more or fewer places along some axes."""
    given, node = step.laid(), step.node
    mode = node.text("mode", "nearest")
    coordinates = node.text("coordinate_transformation_mode", "half_pixel" if step.opset >= 11 else "asymmetric")
    refused = {
        "antialias": node.integer("antialias", 0) == 1,
        f"mode {mode!r}": mode not in ("nearest", "linear", "bilinear", "cubic"),
        f"coordinates {coordinates!r}": coordinates not in PLACES,
    }
    for what, is_so in refused.items():
        if is_so:
            raise CannotExpress(f"a resize with {what}", "export with mode nearest or linear, without antialias")
    scaled = [one for one in _scaled(step, given) if one.size != one.out or one.scale != 1]
    if not scaled:
        return given
    order = order_with(given, *(one.axis for one in scaled))
    tensor = step.by_order(given, order)
    shape = list(given.shape)
    for one in scaled:
        shape[one.axis] = one.out
    made = _resized(step, tensor, order, scaled, mode, PLACES[coordinates])
    return step.made(made, shape, order, nonnegative=given.nonnegative and mode != "cubic")


def _scaled(step: Step, given: Laid) -> list[Scaled]:
    """Sizes and scales by axis, from whichever input or attribute has them."""
    node = step.node
    if step.opset < 11:
        scales = node.attributes.get("scales")
        scales = step.wanted(1) if scales is None else np.asarray(scales)
        sizes = None
    else:
        scales, sizes = step.constant(2), step.constant(3)
    axes = node.integers("axes") or tuple(range(given.rank))
    axes = tuple(axis % given.rank for axis in axes)
    if sizes is not None and sizes.size:
        outs = _kept_ratio(
            node.text("keep_aspect_ratio_policy", "stretch"), [given.shape[a] for a in axes], sizes.tolist()
        )
        return [Scaled(axis=a, size=given.shape[a], out=o, scale=s) for a, (o, s) in zip(axes, outs, strict=True)]
    if scales is None or not scales.size:
        raise CannotExpress("neither scales nor sizes")
    return [
        Scaled(axis=a, size=given.shape[a], out=math.floor(given.shape[a] * float(scale)), scale=float(scale))
        for a, scale in zip(axes, scales.tolist(), strict=True)
    ]


def _kept_ratio(policy: str, given: Sequence[int], wanted: Sequence[int]) -> list[tuple[int, float]]:
    """Sizes and scales for wanted sizes, one scale for all where the ratio is kept."""
    ratios = [out / size for size, out in zip(given, wanted, strict=True)]
    if policy == "stretch":
        return [(int(out), ratio) for out, ratio in zip(wanted, ratios, strict=True)]
    scale = min(ratios) if policy == "not_larger" else max(ratios)
    return [(math.floor(size * scale + 0.5), scale) for size in given]


def _half_pixel(one: Scaled) -> np.ndarray:
    return (np.arange(one.out) + 0.5) / one.scale - 0.5


def _pytorch(one: Scaled) -> np.ndarray:
    return _half_pixel(one) if one.out > 1 else np.zeros(1)


def _align(one: Scaled) -> np.ndarray:
    length = one.size * one.scale  # which need not be whole
    return np.arange(one.out) * (one.size - 1) / (length - 1) if length != 1 else np.zeros(one.out)


def _symmetric(one: Scaled) -> np.ndarray:
    adjustment = one.out / (one.size * one.scale)
    return one.size / 2 * (1 - adjustment) + _half_pixel(one)


PLACES: dict[str, Callable[[Scaled], np.ndarray]] = {
    "half_pixel": _half_pixel, "pytorch_half_pixel": _pytorch, "align_corners": _align, "half_pixel_symmetric": _symmetric,
    "asymmetric": lambda one: np.arange(one.out) / one.scale, "tf_half_pixel_for_nn": lambda one: (np.arange(one.out) + 0.5) / one.scale,
}  # fmt: skip
"""Where each number that comes out lies among those that went in (https://onnx.ai/onnx/operators/onnx__Resize.html)."""


def _resized(
    step: Step,
    tensor: Any,
    order: Sequence[int],
    scaled: Sequence[Scaled],
    mode: str,
    places: Callable[[Scaled], np.ndarray],
) -> Any:
    found = {one.axis: places(one) for one in scaled}
    if mode == "nearest":
        tables = {one.axis: _rounded(step, found[one.axis], one.size) for one in scaled}
        return _nearest(step, tensor, order, scaled, tables)
    if (
        mode != "cubic"
        and tuple(order) == (2, 3, 1)
        and {one.axis for one in scaled} <= {2, 3}
        and _is_half_pixel(scaled, found)
    ):
        return _by_keras(step, tensor, order, scaled, "bilinear")
    weights = _cubic if mode == "cubic" else _linear
    for one in scaled:
        matrix = weights(step, found[one.axis], one)
        tensor = _along(step, tensor, order.index(one.axis) + 1, matrix)
    return tensor


def _is_half_pixel(scaled: Sequence[Scaled], places: dict[int, np.ndarray]) -> bool:
    """Whether TensorFlow's resize, which computes the scale from the sizes, has the same places but for the edges."""
    for one in scaled:
        theirs = (np.arange(one.out) + 0.5) * one.size / one.out - 0.5
        if not np.allclose(np.clip(places[one.axis], 0, one.size - 1), np.clip(theirs, 0, one.size - 1), atol=1e-5):
            return False
    return True


def _by_keras(step: Step, tensor: Any, order: Sequence[int], scaled: Sequence[Scaled], interpolation: str) -> Any:
    """A layer for whole factors, else TensorFlow's resize, of pictures with their channels last."""
    factors = {one.axis: one.out / one.size for one in scaled}
    pair = tuple(factors.get(axis, 1.0) for axis in order[:2])
    if all(factor == int(factor) for factor in pair):
        return step.layer("UpSampling2D", tuple(int(factor) for factor in pair), interpolation=interpolation)(tensor)
    outs = {one.axis: one.out for one in scaled}
    size = tuple(outs.get(axis, tensor.shape[index + 1]) for index, axis in enumerate(order[:2]))
    return step.op(step.ops.image.resize, tensor, size, interpolation=interpolation)


def _rounded(step: Step, places: np.ndarray, size: int) -> np.ndarray:
    """The nearest places, ties as ONNX's `nearest_mode` has them."""
    how = step.node.text("nearest_mode", "round_prefer_floor" if step.opset >= 11 else "floor")
    places = np.round(places, 6)  # scales are float32
    functions: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "floor": np.floor, "ceil": np.ceil, "round_prefer_floor": lambda x: np.ceil(x - 0.5), "round_prefer_ceil": lambda x: np.floor(x + 0.5),
    }  # fmt: skip
    found: np.ndarray = np.clip(functions[how](places), 0, size - 1).astype(np.int32)
    return found


def _nearest(
    step: Step, tensor: Any, order: Sequence[int], scaled: Sequence[Scaled], tables: dict[int, np.ndarray]
) -> Any:
    def is_table(make: Callable[[Scaled], np.ndarray]) -> bool:
        return all(np.array_equal(tables[one.axis], np.clip(make(one), 0, one.size - 1)) for one in scaled)

    if tuple(order) == (2, 3, 1) and {one.axis for one in scaled} <= {2, 3}:
        if is_table(lambda one: np.arange(one.out) // max(one.out // one.size, 1)) and _is_whole(scaled):
            return _by_keras(step, tensor, order, scaled, "nearest")
        if is_table(lambda one: np.floor((np.arange(one.out) + 0.5) * one.size / one.out)):
            return _by_keras(step, tensor, order, scaled, "nearest")
    for one in scaled:
        tensor = step.op(step.ops.take, tensor, tables[one.axis], axis=order.index(one.axis) + 1)
    return tensor


def _is_whole(scaled: Sequence[Scaled]) -> bool:
    return all(one.out % one.size == 0 for one in scaled)


def _linear(step: Step, places: np.ndarray, one: Scaled) -> np.ndarray:
    """Each number that comes out as weights of those that went in."""
    places = np.clip(places, 0, one.size - 1)
    low = np.floor(places).astype(int)
    high, share = np.minimum(low + 1, one.size - 1), places - low
    matrix = np.zeros((one.out, one.size))
    np.add.at(matrix, (np.arange(one.out), low), 1 - share)
    np.add.at(matrix, (np.arange(one.out), high), share)
    return matrix


def _cubic(step: Step, places: np.ndarray, one: Scaled) -> np.ndarray:
    """The same with four near numbers (Keys, Cubic convolution interpolation, 1981); beyond the edges stand the edges, or nothing."""
    a, is_cut = step.node.number("cubic_coeff_a", -0.75), step.node.integer("exclude_outside", 0) == 1
    low = np.floor(places).astype(int)
    matrix = np.zeros((one.out, one.size))
    for offset in range(-1, 3):
        x = np.abs(places - (low + offset))
        near = ((a + 2) * x - (a + 3)) * x * x + 1
        far = a * (((x - 5) * x + 8) * x - 4)
        weights = np.where(x <= 1, near, far)
        inside = (low + offset >= 0) & (low + offset < one.size)
        weights = np.where(inside, weights, 0) if is_cut else weights
        np.add.at(matrix, (np.arange(one.out), np.clip(low + offset, 0, one.size - 1)), weights)
    return matrix / matrix.sum(axis=1, keepdims=True) if is_cut else matrix


def _along(step: Step, tensor: Any, place: int, matrix: np.ndarray) -> Any:
    """The tensor times a matrix along an axis: a matrix product from the left over the axes behind it."""
    sizes = tuple(tensor.shape)[1:]
    behind = math.prod(sizes[place:])
    ahead = sizes[: place - 1]
    flat = step.reshaped(tensor, (*ahead, sizes[place - 1], behind))
    left = matrix.astype(np.float32)
    made = step.op(step.ops.matmul, left, flat)
    return step.reshaped(made, (*ahead, matrix.shape[0], *sizes[place:]))
