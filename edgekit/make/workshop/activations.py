"""Activations of Keras 3 that tf_keras lacks or defines differently, under names of their own so that a saved model finds them."""

from __future__ import annotations

import functools
import importlib
from typing import Any

from edgekit.make.workshop.door import Door


@functools.cache
def activations(tools: Door) -> dict[str, Any]:
    """Keras 3's names, each with the function, or the name, that tf_keras gets for it.

    The functions are registered among tf_keras's own: an HDF5 file stores an activation by its bare name, and tf_keras 2.21
    reads back no other kind. The names differ from tf_keras's, whose `hard_sigmoid` is another function.
    """
    tf = tools.tf

    def keras3_hard_sigmoid(x: Any) -> Any:
        return tf.nn.relu6(x + 3.0) * (1.0 / 6.0)

    def keras3_hard_silu(x: Any) -> Any:
        return x * tf.nn.relu6(x + 3.0) * (1.0 / 6.0)

    def keras3_leaky_relu(x: Any) -> Any:
        return tf.nn.leaky_relu(x, alpha=0.2)

    known = vars(importlib.import_module("tf_keras.src.activations")) if tools.keras else {}
    for function in (keras3_hard_sigmoid, keras3_hard_silu, keras3_leaky_relu):
        known[function.__name__] = function
    return {
        "silu": "swish",
        "hard_sigmoid": keras3_hard_sigmoid,
        "hard_silu": keras3_hard_silu,
        "hard_swish": keras3_hard_silu,
        "leaky_relu": keras3_leaky_relu,
    }
