"""Layers that multiply each channel by a number and add one, and the kernels that can do so in their place."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from edgekit.keras_graph.flat_graph import Call
from edgekit.passes.kinds import kind
from edgekit.passes.rewriting import weighted

CONVOLUTIONS = ("Conv1D", "Conv2D", "Conv3D")
DEPTHWISE = ("DepthwiseConv1D", "DepthwiseConv2D")
TRANSPOSED = ("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose")
KERNELS = ("Dense", *CONVOLUTIONS, *DEPTHWISE, *TRANSPOSED)
VOLUMES = ("Conv3D", "Conv3DTranspose")
"""Kernels into which the converter folds nothing."""
LARGEST_CHANGE = 16.0
"""A kernel's weights are changed by no larger factor: the step of an optimizer such as Adam does not follow the size of the weights."""


class Affine(NamedTuple):
    """What a layer computes in inference: `x * scale + offset`, a number for each channel, float64."""

    scale: np.ndarray
    offset: np.ndarray


def affine(call: Call) -> Affine | None:
    """What a call computes along its last axis; None where it is no such layer, or its numbers are along another axis."""
    if (
        len(call.inputs) != 1
        or len(call.outputs) != 1
        or call.kwargs.get("mask") is not None
        or not call.inputs[0].shape
    ):
        return None
    layer, (given,) = call.operation, call.inputs
    found = _READ[kind(call)](layer, len(given.shape) + 1) if kind(call) in _READ else None
    if found is None or given.shape[-1] is None:
        return None
    scale, offset = (np.asarray(part, np.float64) for part in found)
    if not all(part.size in (1, part.shape[-1] if part.ndim else 1) for part in (scale, offset)):
        return None
    channels = (given.shape[-1],)
    return Affine(*(np.broadcast_to(part.reshape(-1), channels) for part in (scale, offset)))


def _batch_normalization(layer: Any, axes: int) -> tuple[Any, Any] | None:
    axis = (
        layer.axis
        if isinstance(layer.axis, int)
        else -1
        if len(layer.axis) == 1 and layer.axis[0] in (-1, axes - 1)
        else 0
    )
    if axis not in (-1, axes - 1) or getattr(layer, "renorm", False):
        return None
    variance, mean = (np.asarray(part, np.float64) for part in (layer.moving_variance, layer.moving_mean))
    scale = (np.asarray(layer.gamma, np.float64) if layer.scale else 1.0) / np.sqrt(variance + layer.epsilon)
    return scale, (np.asarray(layer.beta, np.float64) if layer.center else 0.0) - mean * scale


def _normalization(layer: Any, axes: int) -> tuple[Any, Any] | None:
    if layer.invert or not hasattr(layer, "mean") or layer.mean is None:
        return None
    mean, deviation = np.asarray(layer.mean, np.float64), np.sqrt(np.asarray(layer.variance, np.float64))
    scale = 1 / np.maximum(deviation, 1e-7)
    return scale, -mean * scale


def _rescaling(layer: Any, axes: int) -> tuple[Any, Any]:
    return layer.scale, layer.offset


_READ = {"BatchNormalization": _batch_normalization, "Normalization": _normalization, "Rescaling": _rescaling}


def pads_nothing(kernel: Call) -> bool:
    """Whether a kernel sees no zeros beside its input: a dense layer, a valid convolution, or one of a single point."""
    layer = kernel.operation
    return (
        kind(kernel) == "Dense"
        or layer.padding == "valid"
        or (layer.padding == "same" and set(layer.kernel_size) == {1})
    )


def is_moderate(scale: np.ndarray, middle: float = 1.0) -> bool:
    """Whether no number is more than `LARGEST_CHANGE` times another, and all together no more beside `middle`."""
    return bool(np.abs(scale).max() <= LARGEST_CHANGE * middle and usual(scale) * LARGEST_CHANGE >= middle)


def usual(scale: np.ndarray) -> float:
    """The geometric mean of the numbers that are not zero."""
    there = np.abs(scale)[np.abs(scale) > 1e-9]
    return float(np.exp(np.log(there).mean())) if there.size else 1.0


def after_affine(call: Call, found: Affine) -> Any:
    """The layer of a call again, which does what an affine one before it did; pads nothing, or the offset is zero."""
    layer, kernel = call.operation, _kernel(call)
    scale, offset = found
    if kind(call) in DEPTHWISE:
        shape: tuple[int, ...] = (*(1,) * (kernel.ndim - 2), kernel.shape[-2], 1)
        added = (kernel * offset.reshape(shape)).sum(axis=tuple(range(kernel.ndim - 2))).reshape(-1)
        return _again(call, kernel * scale.reshape(shape), _bias(layer, added.size) + added)
    groups, channels = getattr(layer, "groups", 1), kernel.shape[-1]

    def by_kernel(numbers: np.ndarray) -> np.ndarray:
        """The number of each input of each output: an output sees the inputs of its group."""
        return np.repeat(numbers.reshape(groups, -1).T, channels // groups, axis=1)

    added = (kernel * by_kernel(offset)).sum(axis=tuple(range(kernel.ndim - 1)))
    return _again(call, kernel * by_kernel(scale), _bias(layer, channels) + added)


def before_affine(call: Call, found: Affine) -> Any:
    """The layer of a call again, which does what an affine one after it did; it has no activation."""
    kernel, (scale, offset) = _kernel(call), found
    if kind(call) in DEPTHWISE:
        kernel = kernel * scale.reshape(kernel.shape[-2:])
    elif kind(call) in TRANSPOSED:
        kernel = kernel * scale[:, None]
    else:
        kernel = kernel * scale
    return _again(call, kernel, _bias(call.operation, scale.size) * scale + offset)


def _kernel(call: Call) -> np.ndarray:
    return np.asarray(call.operation.weights[0], np.float64)


def _bias(layer: Any, size: int) -> np.ndarray:
    return np.asarray(layer.bias, np.float64) if layer.use_bias else np.zeros(size)


def _again(call: Call, kernel: np.ndarray, bias: np.ndarray) -> Any:
    made = type(call.operation).from_config(call.operation.get_config() | {"use_bias": True})
    return weighted(made, call.inputs[0].shape, kernel, bias)
