"""Batch normalisation of Keras 3 in training by TensorFlow's one kernel for it, as tf_keras has it.

Keras 3 composes it of moments and arithmetic: on a processor, a training step of ResNet-8 takes a quarter longer for that. What is computed is the
same but for float32 rounding. Layers that it does not know stay as they are.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from edgekit.make.workshop.answers import is_keras3
from edgekit.make.workshop.door import Door

IMAGES = 4
"""The rank that the kernel takes: batch, height, width, channels."""


@contextlib.contextmanager
def fused_normalization(tools: Door, model: Any) -> Iterator[None]:
    """Within the block, a call of the model in training normalises batches of images by the fused kernel."""
    layers = [layer for layer in model._flatten_layers() if _is_known(layer)] if is_keras3(model) else []
    for layer in layers:
        layer.call = _fused(tools.tf, layer, layer.call)
    try:
        yield
    finally:
        for layer in layers:
            del layer.call


def _is_known(layer: Any) -> bool:
    """Whether a layer is Keras's own, over the last axis, in float32, by the batch's own moments."""
    if not is_keras3(layer) or type(layer).__name__ != "BatchNormalization" or not layer.built:
        return False
    own = type(layer).__module__.startswith("keras.") and "call" not in vars(layer)
    plain = not getattr(layer, "renorm", False) and not layer.synchronized and layer.compute_dtype == "float32"
    return own and plain and layer.axis in (-1, IMAGES - 1)


def _fused(tf: Any, layer: Any, composed: Any) -> Any:
    """What is called in place of a layer's own `composed` call."""

    def call(inputs: Any, training: Any = None, mask: Any = None) -> Any:
        if not training or not layer.trainable or mask is not None or len(inputs.shape) != IMAGES:
            return composed(inputs, training=training, mask=mask)
        channels = inputs.shape[-1]
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs, scale=layer.gamma.value if layer.scale else tf.ones(channels), mean=[], variance=[],
            offset=layer.beta.value if layer.center else tf.zeros(channels), epsilon=layer.epsilon, is_training=True,
        )  # fmt: skip
        values = tf.cast(tf.size(inputs) // channels, "float32")
        variance *= tf.maximum(values - 1.0, 1.0) / values  # the kernel divides by one less
        for moving, seen in ((layer.moving_mean, mean), (layer.moving_variance, variance)):
            moving.assign(moving.value * layer.momentum + seen * (1.0 - layer.momentum))
        return outputs

    return call
