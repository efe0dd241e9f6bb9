"""Pools: largest and average over windows and over whole pictures, with ONNX's padding, `ceil_mode` and `count_include_pad`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgekit.onnx_graph.layout import Laid
from edgekit.onnx_graph.operators.convolutions import tensor_slice
from edgekit.onnx_graph.operators.registry import builds
from edgekit.onnx_graph.step import CannotExpress, Step
from edgekit.onnx_graph.windows import Window, windows_of

LOWEST = float(np.finfo(np.float32).min)


@builds("MaxPool")
def max_pool(step: Step) -> Laid:
    """The largest number of each window; padding never counts."""
    if len(step.node.outputs) > 1 and step.node.outputs[1]:
        raise CannotExpress("the places of the largest numbers as a second output", "export without return_indices")
    given, windows, order = _pooled(step)
    tensor = step.by_order(given, order)
    is_plain = all(one.dilation == 1 for one in windows)
    if is_plain and all(one.is_same for one in windows) and not all(one.is_valid for one in windows):
        made = _pool(step, "Max", tensor, windows, "same")
    else:
        tensor = _never_largest(step, tensor, windows, nonnegative=given.nonnegative)
        made = _pool(step, "Max", tensor, windows, "valid") if is_plain else _by_slices(step, tensor, windows)
    return step.made(made, (*given.shape[:2], *(one.out for one in windows)), order, nonnegative=given.nonnegative)


@builds("AveragePool")
def average_pool(step: Step) -> Laid:
    """The mean of each window, over its numbers alone or with ONNX's padding."""
    given, windows, order = _pooled(step)
    tensor = step.by_order(given, order)
    counts_padding = step.node.integer("count_include_pad", 0) == 1
    shape = (*given.shape[:2], *(one.out for one in windows))
    if any(one.dilation > 1 for one in windows):
        made = _averaged_slices(step, tensor, windows, counts_padding=counts_padding)
        return step.made(made, shape, order, nonnegative=given.nonnegative)
    if not counts_padding and all(one.is_same for one in windows) and not all(one.is_valid for one in windows):
        return step.made(_pool(step, "Average", tensor, windows, "same"), shape, order, nonnegative=given.nonnegative)
    tensor = _zeros(step, tensor, windows)
    made = _pool(step, "Average", tensor, windows, "valid")
    factors = _counts(windows, counts_padding=counts_padding)
    if not np.all(factors == 1):
        made = step.op(step.ops.multiply, made, factors, suffix="count")
    return step.made(made, shape, order, nonnegative=given.nonnegative)


@builds("GlobalAveragePool", "GlobalMaxPool")
def global_pool(step: Step) -> Laid:
    """One number a channel."""
    given = step.laid()
    rank = given.rank - 2
    order = (*range(2, given.rank), 1)
    how = "Average" if step.node.operator == "GlobalAveragePool" else "Max"
    tensor = step.by_order(given, order)
    shape = (*given.shape[:2], *(1,) * rank)
    if 1 <= rank <= 3:
        made = step.layer(f"Global{how}Pooling{rank}D", keepdims=True)(tensor)
    else:
        function = step.ops.mean if how == "Average" else step.ops.max
        made = step.op(function, tensor, axis=tuple(range(1, rank + 1)), keepdims=True)
    return step.made(made, shape, order, nonnegative=given.nonnegative)


@builds("LpPool")
def lp_pool(step: Step) -> Laid:
    """The p-norm of each window, by an average of powers."""
    given, windows, order = _pooled(step)
    power = step.node.integer("p", 2)
    tensor = step.by_order(given, order)
    powers = step.op(step.ops.power, step.op(step.ops.absolute, tensor, suffix="abs"), float(power), suffix="power")
    around = _zeros(step, powers, windows)
    is_plain = all(one.dilation == 1 for one in windows)
    mean = _pool(step, "Average", around, windows, "valid") if is_plain else _mean_of_slices(step, around, windows)
    total = step.op(step.ops.multiply, mean, float(np.prod([one.kernel for one in windows])), suffix="sum")
    made = step.op(step.ops.power, total, 1.0 / power, suffix="root")
    return step.made(made, (*given.shape[:2], *(one.out for one in windows)), order, nonnegative=True)


def _pooled(step: Step) -> tuple[Laid, list[Window], tuple[int, ...]]:
    given = step.laid()
    kernel = step.node.integers("kernel_shape") or ()
    if not 1 <= given.rank - 2 == len(kernel) <= 3:
        raise CannotExpress(f"a pool over {len(kernel)} axes", "Keras has them over 1 to 3")
    return given, windows_of(step.node, given.shape[2:], kernel), (*range(2, given.rank), 1)


def _pool(step: Step, how: str, tensor: Any, windows: Sequence[Window], padding: str) -> Any:
    sizes, strides = tuple(one.kernel for one in windows), tuple(one.stride for one in windows)
    return step.layer(f"{how}Pooling{len(windows)}D", sizes, strides=strides, padding=padding)(tensor)


def _zeros(step: Step, tensor: Any, windows: Sequence[Window]) -> Any:
    """The tensor with zeros around it, as much as windows reach."""
    if all(one.is_valid for one in windows):
        return tensor
    pads = tuple((one.before, one.behind) for one in windows)
    return step.layer(f"ZeroPadding{len(windows)}D", pads[0] if len(pads) == 1 else pads, suffix="pad")(tensor)


def _never_largest(step: Step, tensor: Any, windows: Sequence[Window], *, nonnegative: bool) -> Any:
    """The tensor with padding that is never larger than what a window has beside it.

    Zeros do where no number is below zero. Else the border is mirrored: a window that reaches over it by no more than half of itself has those
    numbers anyway, and no constant far outside their range stands in the way of int8.
    """
    if nonnegative or all(one.is_valid for one in windows):
        return _zeros(step, tensor, windows)
    pads = ((0, 0), *((one.before, one.behind) for one in windows), (0, 0))
    mirrors = all(
        one.dilation == 1 and one.kernel >= 2 * max(one.before, one.behind) and max(one.before, one.behind) <= one.size
        for one in windows
    )
    if mirrors:
        return step.op(step.ops.pad, tensor, pads, mode="symmetric", suffix="pad")
    return step.op(step.ops.pad, tensor, pads, mode="constant", constant_values=LOWEST, suffix="pad")


def _by_slices(step: Step, tensor: Any, windows: Sequence[Window]) -> Any:
    """A pool with dilation: the largest of slices, one axis after the other."""
    for axis, window in enumerate(windows):
        parts = _slices(step, tensor, window, axis)
        tensor = step.layer("Maximum", suffix="max")(parts) if len(parts) > 1 else parts[0]
    return tensor


def _averaged_slices(step: Step, tensor: Any, windows: Sequence[Window], *, counts_padding: bool) -> Any:
    tensor = _mean_of_slices(step, _zeros(step, tensor, windows), windows)
    factors = _counts(windows, counts_padding=counts_padding)
    return tensor if np.all(factors == 1) else step.op(step.ops.multiply, tensor, factors, suffix="count")


def _mean_of_slices(step: Step, tensor: Any, windows: Sequence[Window]) -> Any:
    for axis, window in enumerate(windows):
        parts = _slices(step, tensor, window, axis)
        tensor = step.layer("Average", suffix="mean")(parts) if len(parts) > 1 else parts[0]
    return tensor


def _slices(step: Step, tensor: Any, window: Window, axis: int) -> list[Any]:
    """What each place of a window sees, over all windows along an axis."""
    before = (slice(None),) * axis
    last = (window.out - 1) * window.stride + 1
    return [
        tensor_slice(step, tensor, (*before, slice(start, start + last, window.stride)))
        for start in range(0, window.reach, window.dilation)
    ]


def _counts(windows: Sequence[Window], *, counts_padding: bool) -> np.ndarray:
    """By how much an average over whole windows is multiplied at each place, channels last."""
    found = np.ones((1,), np.float32)
    for window in reversed(windows):
        counts = [window.counted(i) if counts_padding else window.inside(i) for i in range(window.out)]
        factors = np.asarray([window.kernel / max(count, 1) for count in counts], np.float32)
        found = factors.reshape((-1,) + (1,) * found.ndim) * found
    return found
