"""Layers that Keras 3 writes in more operators than they need: written in fewer while a model is converted, with the same values.

Each function here is a layer's `call` without training. They are what tf_keras wrote, where that was less: one product for all steps of a TimeDistributed layer
and not one a step, no correction of negative indices in an embedding, a normalisation without a negation (which has no int8 kernel).
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Collection, Iterator
from typing import Any

from edgekit.make.workshop.answers import is_keras3
from edgekit.make.workshop.door import Door

Call = Callable[..., Any]
LEAST_SQUARES = 1e-12
ROWS = 2
"""The dimensions of a batch of rows."""


@contextlib.contextmanager
def plain_layers(tools: Door, model: Any, *, lacking: Collection[str] = ()) -> Iterator[None]:
    """Within the block, calling a model of Keras 3 without training gives these layers in few operators, and in none that are `lacking`."""
    if not is_keras3(model):
        yield
        return
    layers = tools.keras3.layers
    ours = {
        (layers.Embedding, "call"): _embedding(tools.tf),
        (layers.TimeDistributed, "call"): _time_distributed(tools.tf, layers.TimeDistributed.call),
        (layers.UpSampling2D, "call"): _up_sampling(tools.tf, layers.UpSampling2D.call),
        (layers.RepeatVector, "call"): lambda layer, x: tools.tf.tile(tools.tf.expand_dims(x, 1), [1, layer.n, 1]),
        (layers.UnitNormalization, "call"): _unit_normalization(tools.tf, "L2_NORMALIZATION" in lacking),
        (layers.LayerNormalization, "call"): _layer_normalization(tools.tf, layers.LayerNormalization.call),
        (layers.GroupNormalization, "_apply_normalization"): _group_normalization(tools.tf),
    }
    before = {(kind, name): getattr(kind, name) for kind, name in ours}
    for (kind, name), function in ours.items():
        setattr(kind, name, function)
    try:
        yield
    finally:
        for (kind, name), function in before.items():
            setattr(kind, name, function)


def _embedding(tf: Any) -> Call:
    def call(layer: Any, x: Any) -> Any:
        x = tf.convert_to_tensor(x)
        return tf.gather(
            tf.convert_to_tensor(layer.embeddings), x if x.dtype in (tf.int32, tf.int64) else tf.cast(x, tf.int32)
        )

    return call


def _time_distributed(tf: Any, own: Call) -> Call:
    """All steps as samples of one batch, where nothing is masked and their sizes are known."""

    def call(layer: Any, x: Any, training: Any = None, mask: Any = None) -> Any:
        sizes = list(x.shape)
        if mask is not None or None in sizes or training:
            return own(layer, x, training=training, mask=mask)
        given = {"training": False} if layer.layer._call_has_training_arg else {}
        y = layer.layer.call(tf.reshape(x, [math.prod(sizes[:2]), *sizes[2:]]), **given)
        return tf.reshape(y, [*sizes[:2], *y.shape[1:]]) if hasattr(y, "shape") else own(layer, x, training=training)

    return call


def _up_sampling(tf: Any, own: Call) -> Call:
    def call(layer: Any, x: Any) -> Any:
        if layer.interpolation != "nearest" or layer.data_format != "channels_last" or None in x.shape[1:3]:
            return own(layer, x)
        size = [int(length) * factor for length, factor in zip(x.shape[1:3], layer.size, strict=True)]
        return tf.compat.v1.image.resize(x, size, method="nearest")

    return call


def _unit_normalization(tf: Any, written_out: bool) -> Call:
    """One operator of rows, which the converter knows in two dimensions alone; else written out, with a mean, for LiteRT's SUM is wrong with int16, and without
    a square, which has no int8 kernel. The smallest sum is that of TensorFlow's `l2_normalize`."""

    def call(layer: Any, x: Any) -> Any:
        if not written_out and len(x.shape) == ROWS:
            return tf.linalg.l2_normalize(x, axis=layer.axis)
        axes = [axis % len(x.shape) for axis in ([layer.axis] if isinstance(layer.axis, int) else layer.axis)]
        count = math.prod(x.shape[axis] for axis in axes)
        squares = tf.maximum(tf.reduce_mean(x * x, axis=axes, keepdims=True), LEAST_SQUARES / count)
        return x * (tf.math.rsqrt(squares) * count**-0.5)

    return call


def _layer_normalization(tf: Any, own: Call) -> Call:
    def call(layer: Any, x: Any) -> Any:
        axes = [layer.axis] if isinstance(layer.axis, int) else list(layer.axis)
        if layer.rms_scaling or [axis % len(x.shape) for axis in axes] != [len(x.shape) - 1]:
            return own(layer, x)
        return _normalized(tf, x, axes, layer.epsilon, layer.gamma, layer.beta)

    return call


def _group_normalization(tf: Any) -> Call:
    def apply(layer: Any, x: Any, shape: Any) -> Any:
        """As in the layer: all axes but the batch and the groups are reduced; each weight has its own place."""
        axes = list(range(1, len(x.shape)))
        axes.pop(-2 if layer.axis == -1 else layer.axis - 1)
        place = layer._create_broadcast_shape(shape)
        weights = [
            tf.reshape(weight, place) if used else None
            for used, weight in ((layer.scale, layer.gamma), (layer.center, layer.beta))
        ]
        return _normalized(tf, x, axes, layer.epsilon, *weights)

    return apply


def _normalized(tf: Any, x: Any, axes: list[int], epsilon: float, gamma: Any, beta: Any) -> Any:
    """(x - mean) / deviation * gamma + beta."""
    mean, variance = tf.nn.moments(x, axes, keepdims=True)
    scale = tf.math.rsqrt(variance + epsilon)
    y = (x - mean) * (scale if gamma is None else scale * tf.convert_to_tensor(gamma))
    return y if beta is None else y + tf.convert_to_tensor(beta)
