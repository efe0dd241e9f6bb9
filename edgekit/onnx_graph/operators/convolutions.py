"""Conv: `Conv1D`, `Conv2D`, `Conv3D` with groups, `DepthwiseConv1D` and `DepthwiseConv2D`, with their padding in a layer of its own where needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgekit.onnx_graph.layout import Laid
from edgekit.onnx_graph.operators.registry import builds
from edgekit.onnx_graph.step import CannotExpress, Step
from edgekit.onnx_graph.windows import Window, windows_of


@builds("Conv")
def conv(step: Step) -> Laid:
    """A convolution with a constant kernel [filters, channels of a group, *spatial]."""
    given, kernel, bias = step.laid(), step.wanted(1), flat_bias(step)
    rank = given.rank - 2
    if not 1 <= rank <= 3:
        raise CannotExpress(f"a convolution over {rank} axes", "Keras has them over 1 to 3")
    groups = step.node.integer("group", 1)
    order = (*range(2, given.rank), 1)
    windows = windows_of(step.node, given.shape[2:], kernel.shape[2:])
    tensor, padding = padded(step, step.by_order(given, order), windows)
    channels = given.shape[1]
    is_depthwise = groups == channels > 1 and rank < 3
    made = (_depthwise if is_depthwise else _grouped)(step, tensor, kernel, bias, windows, padding, groups)
    shape = (1, kernel.shape[0], *(one.out for one in windows))
    return step.made(_strided(step, made, windows), shape, order)


def flat_bias(step: Step) -> np.ndarray | None:
    """The bias, which has one axis in ONNX; one that was an addition's operand has more."""
    found = step.constant(2)
    return None if found is None else found.reshape(-1)


def padded(step: Step, tensor: Any, windows: Sequence[Window]) -> tuple[Any, str]:
    """The tensor with zeros around it, and the padding that the layer itself does: "same" where that is equal."""
    if all(one.is_valid for one in windows):
        return tensor, "valid"
    if all(one.is_same for one in windows) and not any(_is_sliced(one, windows) for one in windows):
        return tensor, "same"
    pads = tuple((one.before, one.behind) for one in windows)
    kind = f"ZeroPadding{len(windows)}D"
    return step.layer(kind, pads[0] if len(pads) == 1 else pads, suffix="pad")(tensor), "valid"


def _is_sliced(window: Window, windows: Sequence[Window]) -> bool:
    """Whether strides are taken by a slice behind the layer: Keras has no strides together with dilation."""
    return any(one.dilation > 1 for one in windows) and any(one.stride > 1 for one in windows)


def _steps(windows: Sequence[Window]) -> tuple[int, ...]:
    """The strides that the layer itself takes."""
    strides = tuple(one.stride for one in windows)
    return (1,) * len(strides) if _is_sliced(windows[0], windows) else strides


def _strided(step: Step, tensor: Any, windows: Sequence[Window]) -> Any:
    """The places that strides leave, where the layer could not take them itself."""
    wanted = tuple(one.stride for one in windows)
    if _steps(windows) == wanted:
        return tensor
    cut = tuple(slice(0, (one.out - 1) * one.stride + 1, one.stride) for one in windows)
    return tensor_slice(step, tensor, cut)


def tensor_slice(step: Step, tensor: Any, cut: Sequence[slice], suffix: str = "slice") -> Any:
    """A slice of the axes behind the batch."""
    key = (slice(None), *cut)
    made = tensor[key]
    made._keras_history.operation.name = step.name(suffix)
    return made


def _settings(windows: Sequence[Window], padding: str, bias: np.ndarray | None) -> dict[str, Any]:
    return {
        "strides": _steps(windows),
        "dilation_rate": tuple(one.dilation for one in windows),
        "padding": padding,
        "use_bias": bias is not None,
    }


def _grouped(
    step: Step,
    tensor: Any,
    kernel: np.ndarray,
    bias: np.ndarray | None,
    windows: Sequence[Window],
    padding: str,
    groups: int,
) -> Any:
    rank = len(windows)
    weights = [np.transpose(kernel, (*range(2, rank + 2), 1, 0)), *([] if bias is None else [bias])]
    settings = _settings(windows, padding, bias)
    layer = step.layer(f"Conv{rank}D", kernel.shape[0], kernel.shape[2:], groups=groups, weights=weights, **settings)
    return layer(tensor)


def _depthwise(
    step: Step,
    tensor: Any,
    kernel: np.ndarray,
    bias: np.ndarray | None,
    windows: Sequence[Window],
    padding: str,
    groups: int,
) -> Any:
    rank = len(windows)
    multiplier = kernel.shape[0] // groups
    by_channel = kernel.reshape(groups, multiplier, *kernel.shape[2:])
    weights = [np.transpose(by_channel, (*range(2, rank + 2), 0, 1)), *([] if bias is None else [bias])]
    settings = _settings(windows, padding, bias)
    layer = step.layer(
        f"DepthwiseConv{rank}D", kernel.shape[2:], depth_multiplier=multiplier, weights=weights, **settings
    )
    return layer(tensor)
