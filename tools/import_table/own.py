"""Ten networks of odd structure, as exporters write them: what the table has beside files of others."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from import_table.network import Network


def _image_and_numbers(net: Network) -> list[str]:
    """A picture and a row of numbers, joined behind the convolutions."""
    x, row = net.entry("image", "batch", 3, 32, 32), net.entry("numbers", "batch", 6)
    x = net.node("Relu", net.conv(net.node("Relu", net.conv(x, 3, 16, stride=2)), 16, 32, stride=2))
    both = net.node("Concat", net.pooled(x), net.node("Relu", net.dense(row, 6, 16)), axis=1)
    return [net.dense(both, 48, 5)]


def _channel_shuffle(net: Network) -> list[str]:
    """Grouped convolutions whose channels are shuffled between, as in ShuffleNet."""
    x = net.node("Relu", net.conv(net.entry("image", "batch", 3, 32, 32), 3, 24, stride=2))
    for _ in range(2):
        y = net.node("Relu", net.conv(x, 24, 24, 1, group=3))
        y = net.node("Transpose", net.node("Reshape", y, net.shape(-1, 3, 8, 16, 16)), perm=[0, 2, 1, 3, 4])
        y = net.conv(net.node("Reshape", y, net.shape(-1, 24, 16, 16)), 24, 24, group=24)
        x = net.node("Relu", net.node("Add", x, net.conv(y, 24, 24, 1, group=3)))
    return [net.dense(net.pooled(x), 24, 10)]


def _squeeze_and_excite(net: Network) -> list[str]:
    """Inverted residuals with gates and hard activations, as in MobileNetV3."""
    x = net.node("HardSwish", net.conv(net.entry("image", "batch", 3, 32, 32), 3, 16, stride=2))
    for _ in range(2):
        y = net.node("HardSwish", net.conv(x, 16, 48, 1))
        y = net.node("HardSwish", net.conv(y, 48, 48, 5, group=48))
        gate = net.node("Relu", net.node("Conv", net.node("GlobalAveragePool", y), net.weight(12, 48, 1, 1)))
        gate = net.node("HardSigmoid", net.node("Conv", gate, net.weight(48, 12, 1, 1)), alpha=1 / 6)
        x = net.node("Add", x, net.conv(net.node("Mul", y, gate), 48, 16, 1))
    return [net.dense(net.pooled(x), 16, 10)]


def _mask(net: Network) -> list[str]:
    """A U-shaped network: transposed convolutions, skips, a mask of the size of the picture."""
    x = net.node("Relu", net.conv(net.entry("image", "batch", 3, 32, 32), 3, 16))
    y = net.node("Relu", net.conv(net.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2]), 16, 32))
    z = net.node("Relu", net.conv(net.node("MaxPool", y, kernel_shape=[2, 2], strides=[2, 2]), 32, 32))
    up = {"kernel_shape": [2, 2], "strides": [2, 2]}
    z = net.node("Concat", net.node("ConvTranspose", z, net.weight(32, 16, 2, 2), **up), y, axis=1)
    z = net.node("Relu", net.conv(z, 48, 16))
    z = net.node("Concat", net.node("ConvTranspose", z, net.weight(16, 8, 2, 2), **up), x, axis=1)
    return [net.node("Sigmoid", net.node("Conv", z, net.weight(1, 24, 1, 1)))]


def _dilated_in_time(net: Network) -> list[str]:
    """Causal convolutions over time with dilation and residuals, as in WaveNet."""
    x = net.node("Relu", net.node("Conv", net.entry("signal", "batch", 1, 128), net.weight(16, 1, 3), pads=[2, 0]))
    for dilation in (2, 4, 8):
        past = net.node("Pad", x, net.shape(0, 0, 2 * dilation, 0, 0, 0))
        both = net.node("Conv", past, net.weight(32, 16, 3), dilations=[dilation])
        value, gate = net.node("Split", both, outputs=2, axis=1)
        y = net.node("Mul", net.node("Tanh", value), net.node("Sigmoid", gate))
        x = net.node("Add", x, net.node("Conv", y, net.weight(16, 16, 1)))
    return [net.dense(net.node("ReduceMean", x, axes=[2], keepdims=0), 16, 4)]


def _recurrent_behind_convolutions(net: Network) -> list[str]:
    """Convolutions over a spectrogram, a bidirectional LSTM over their columns, a class at each."""
    x = net.node("Relu", net.conv(net.entry("spectrogram", 1, 1, 16, 20), 1, 8, stride=2))
    x = net.node("Reshape", net.node("Transpose", x, perm=[3, 0, 1, 2]), net.shape(10, 1, 64))
    zeros = net.constant(np.zeros((2, 96), np.float32))
    weights = (net.weight(2, 48, 64, taken=64), net.weight(2, 48, 12, taken=12), zeros)
    y = net.node("LSTM", x, *weights, hidden_size=12, direction="bidirectional")
    y = net.node("Reshape", net.node("Transpose", y, perm=[2, 0, 1, 3]), net.shape(1, 10, 24))
    return [net.node("Softmax", net.node("Add", net.node("MatMul", y, net.weight(24, 5)), net.weight(5)), axis=-1)]


def _attention_over_patches(net: Network) -> list[str]:
    """Patches of a picture, one block of attention with its products written out, a mean over the sequence."""
    x = net.node("Conv", net.entry("image", 1, 3, 32, 32), net.weight(32, 3, 8, 8), strides=[8, 8])
    x = net.node("Transpose", net.node("Reshape", x, net.shape(1, 32, 16)), perm=[0, 2, 1])
    scale, shift = (net.constant(np.full(32, value, np.float32)) for value in (1, 0))
    y = net.node("LayerNormalization", x, scale, shift)
    parts = [
        net.node(
            "Transpose",
            net.node("Reshape", net.node("MatMul", y, net.weight(32, 32)), net.shape(1, 16, 4, 8)),
            perm=perm,
        )
        for perm in ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3])
    ]
    scores = net.node("Mul", net.node("MatMul", parts[0], parts[1]), net.constant(np.float32(8**-0.5)))
    y = net.node("MatMul", net.node("Softmax", scores, axis=-1), parts[2])
    y = net.node("Reshape", net.node("Transpose", y, perm=[0, 2, 1, 3]), net.shape(1, 16, 32))
    x = net.node("Add", x, net.node("MatMul", y, net.weight(32, 32)))
    return [net.dense(net.node("ReduceMean", x, axes=[1], keepdims=0), 32, 6)]


def _two_scales(net: Network) -> list[str]:
    """A detector: two maps of classes and boxes, the finer one with the coarser one resized onto it."""
    x = net.node("Relu", net.conv(net.entry("image", "batch", 3, 32, 32), 3, 16, stride=2))
    fine = net.node("Relu", net.conv(x, 16, 24, stride=2))
    coarse = net.node("LeakyRelu", net.conv(fine, 24, 24, stride=2), alpha=0.1)
    scales = net.constant(np.array([1, 1, 2, 2], np.float32))
    up = net.node(
        "Resize", coarse, "", scales, mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor"
    )
    fine = net.node("Add", fine, up)
    return [net.node("Conv", one, net.weight(9, 24, 1, 1)) for one in (fine, coarse)]


def _in_tensorflows_order(net: Network) -> list[str]:
    """As exporters of TensorFlow write: channels last at both ends, unequal padding, relu6."""
    x = net.node("Transpose", net.entry("image", "batch", 33, 33, 3), perm=[0, 3, 1, 2])
    low, high = net.constant(np.float32(0)), net.constant(np.float32(6))
    x = net.node("Conv", x, net.weight(16, 3, 3, 3), pads=[0, 0, 1, 1], strides=[2, 2])
    x = net.node(
        "Conv", net.node("Clip", x, low, high), net.weight(16, 1, 3, 3), pads=[0, 0, 1, 1], strides=[2, 2], group=16
    )
    x = net.node("Clip", net.node("Conv", x, net.weight(24, 16, 1, 1)), low, high)
    x = net.node("Transpose", net.node("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2]), perm=[0, 2, 3, 1])
    return [net.node("MatMul", net.node("Reshape", x, net.shape(-1, 384)), net.weight(384, 7))]


def _in_slices(net: Network) -> list[str]:
    """A picture taken apart into four in steps of two, half of the channels passed by, a pool that rounds up."""
    x = net.entry("image", "batch", 3, 30, 30)
    parts = [
        net.node("Slice", x, net.shape(row, column), net.shape(2**31, 2**31), net.shape(2, 3), net.shape(2, 2))
        for row in (0, 1) for column in (0, 1)
    ]  # fmt: skip
    x = net.node("Relu", net.conv(net.node("Concat", *parts, axis=1), 12, 16))
    first, second = net.node("Split", x, outputs=2, axis=1)
    second = net.node("Add", second, net.node("Relu", net.conv(second, 8, 8)))
    x = net.node("Concat", first, second, axis=1)
    x = net.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)
    return [net.dense(net.node("Flatten", x), 16 * 8 * 8, 4)]


OWN: dict[str, Callable[[Network], list[str]]] = {
    "a picture and numbers": _image_and_numbers,
    "channel shuffle": _channel_shuffle,
    "squeeze and excite": _squeeze_and_excite,
    "mask by transposed convolutions": _mask,
    "dilated in time": _dilated_in_time,
    "LSTM behind convolutions": _recurrent_behind_convolutions,
    "attention over patches": _attention_over_patches,
    "two scales": _two_scales,
    "TensorFlow's order": _in_tensorflows_order,
    "slices": _in_slices,
}
"""By name; each adds its nodes to a network and returns its outputs."""
