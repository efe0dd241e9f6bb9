"""Where in a tf_keras model and in a `.tflite` file the weights are that pruning and clustering work on.

Small kernels are left alone: they hold few bytes and lose accuracy first. So are layers of other kinds: what they become
in a file (recurrent kernels, tables, depthwise filters) is not sure to keep zeros and clusters where they can be counted.
"""

from __future__ import annotations

import math
from typing import Any

from edgekit.facts import ModelFacts
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.weights import Kernel, kernels

LAYER_KINDS = ("Conv1D", "Conv2D", "Dense")
MINIMUM_WEIGHTS = 256


def no_site(facts: ModelFacts) -> str | None:
    """Why a model has no layer to work on; None where it has one."""
    sizes = [math.prod(layer.kernel) for layer in facts.layers if layer.kernel and layer.kind in LAYER_KINDS]
    if any(size >= MINIMUM_WEIGHTS for size in sizes):
        return None
    kinds = f"{', '.join(LAYER_KINDS[:-1])} or {LAYER_KINDS[-1]}"
    if sizes:
        return f"no kernel of a {kinds} layer has {MINIMUM_WEIGHTS} weights or more: the largest has {max(sizes)}"
    there = sorted({layer.kind for layer in facts.layers if layer.kernel})
    return f"no layer with a kernel is a {kinds}: there are {', '.join(there) or 'none'}"


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
