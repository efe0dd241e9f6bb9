"""Where in a tf_keras model and in a `.tflite` file the weights are that pruning and clustering work on.

Small kernels are left alone: they hold few bytes and lose accuracy first.
"""

from __future__ import annotations

from typing import Any

from edgekit.tflite.model import TfliteModel
from edgekit.tflite.weights import Kernel, kernels

LAYER_KINDS = ("Conv1D", "Conv2D", "Dense")
MINIMUM_WEIGHTS = 256


def layer_names(model: Any) -> tuple[str, ...]:
    """Names of the layers of a plain tf_keras model whose kernels are large enough to work on."""
    return tuple(
        layer.name
        for layer in model.layers
        if type(layer).__name__ in LAYER_KINDS and layer.kernel.shape.num_elements() >= MINIMUM_WEIGHTS
    )


def file_kernels(tflite: TfliteModel) -> tuple[Kernel, ...]:
    """The kernels of a file that such layers become (depthwise ones are not among them)."""
    return tuple(
        kernel
        for kernel in kernels(tflite)
        if kernel.operator.name in ("CONV_2D", "FULLY_CONNECTED") and kernel.array.size >= MINIMUM_WEIGHTS
    )
