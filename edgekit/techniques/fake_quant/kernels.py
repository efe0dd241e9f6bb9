"""Which variables of a layer are kernels that int8 rounds, and which of their axes share a scale.

TFLite has one scale for each output channel of a convolution and of a fully connected layer. A batch normalisation that the converter
folds into the kernel scales whole channels, so that the rounded kernel stays on its grid: it need not be folded to be simulated.
A fused LSTM has one scale for each gate's kernel.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

LEVELS = 127
"""int8 without -128, so that a kernel's range is symmetric."""
ROUNDED_KINDS = (
    "Conv", "DepthwiseConv", "SeparableConv", "Dense", "EinsumDense", "MultiHeadAttention", "GroupedQueryAttention", "LSTM", "GRU",
    "SimpleRNN", "RNN", "Bidirectional", "TimeDistributed",
)  # fmt: skip
"""Layers, by how their kind begins, that have such a kernel."""
RECURRENT = ("kernel", "recurrent_kernel")
GATES = 4
"""The gates of an LSTM, whose kernels stand side by side in one variable."""


class Rounding(NamedTuple):
    """A kernel variable; the shape that it is seen in while it is rounded, and the axes of that shape that share one scale."""

    variable: Any
    shape: tuple[int, ...]
    axes: tuple[int, ...]


def roundings(layer: Any) -> tuple[Rounding, ...]:
    """The kernels of a layer of Keras itself and of the layers inside it; none of a layer that is a user's own."""
    if not type(layer).__module__.startswith("keras."):
        return ()
    parts = list(layer._flatten_layers()) if hasattr(layer, "_flatten_layers") else []
    if not all(type(part).__module__.startswith("keras.") for part in parts):
        return ()
    found = {id(one.variable): one for part in parts for one in _own(part)}
    return tuple(found.values())


def _own(layer: Any) -> Iterator[Rounding]:
    kind = type(layer).__name__
    for variable in layer.weights:
        axes = _shared_axes(kind, variable.name, len(variable.shape), layer)
        if axes is None:
            continue
        shape = tuple(variable.shape)
        if kind == "LSTMCell":
            shape = (shape[0], GATES, shape[1] // GATES)
        yield Rounding(variable, shape, axes)


def _shared_axes(kind: str, name: str, rank: int, layer: Any) -> tuple[int, ...] | None:
    """The axes over which one scale holds; None for a variable that is no kernel of such a layer."""
    if (kind.startswith("DepthwiseConv") and name == "kernel") or name == "depthwise_kernel":
        return tuple(range(rank - 2))
    if kind.endswith("Transpose") and kind.startswith("Conv") and name == "kernel":
        return tuple(axis for axis in range(rank) if axis != rank - 2)
    if (
        (kind.startswith("Conv") and name == "kernel")
        or name == "pointwise_kernel"
        or (kind == "Dense" and name == "kernel")
    ):
        return tuple(range(rank - 1))
    if kind == "EinsumDense" and name == "kernel":
        return _contracted(layer.equation)
    if kind == "LSTMCell" and name in RECURRENT:
        return (0, 2)
    return (0,) if kind in ("GRUCell", "SimpleRNNCell") and name in RECURRENT else None


def _contracted(equation: str) -> tuple[int, ...]:
    """The axes of an EinsumDense kernel that are summed over: the others are output channels.

    >>> _contracted("abc,cde->abde")
    (0,)
    """
    operands, output = equation.replace(" ", "").split("->")
    return tuple(axis for axis, label in enumerate(operands.split(",")[1]) if label not in output)


def rounded(tf: Any, kernel: Any, rounding: Rounding) -> Any:
    """A kernel on its int8 grid, in float32; the gradient passes unrounded (straight through)."""
    as_is = tuple(kernel.shape) == tuple(rounding.shape)  # each operator less is traced and run for every kernel
    own = tf.stop_gradient(kernel)
    seen = own if as_is else tf.reshape(own, rounding.shape)
    scale = tf.reduce_max(tf.abs(seen), axis=rounding.axes, keepdims=True) / LEVELS
    nearest = tf.round(tf.math.divide_no_nan(seen, scale)) * scale
    return kernel + ((nearest if as_is else tf.reshape(nearest, kernel.shape)) - own)
