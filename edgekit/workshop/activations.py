"""Activations of Keras 3 that tf_keras lacks or means otherwise, registered so that a saved model finds them."""

from __future__ import annotations

import functools
from typing import Any

from edgekit.workshop.door import Door


@functools.cache
def activations(tools: Door) -> dict[str, Any]:
    """Keras 3's names and what tf_keras is given for them."""
    tf = tools.tf
    register = tools.keras.utils.register_keras_serializable(package="edgekit")

    @register  # type: ignore[untyped-decorator]
    def relu6(x: Any) -> Any:
        return tf.nn.relu6(x)

    @register  # type: ignore[untyped-decorator]
    def hard_sigmoid(x: Any) -> Any:
        return tf.nn.relu6(x + 3.0) * (1.0 / 6.0)

    @register  # type: ignore[untyped-decorator]
    def hard_silu(x: Any) -> Any:
        return x * tf.nn.relu6(x + 3.0) * (1.0 / 6.0)

    @register  # type: ignore[untyped-decorator]
    def leaky_relu(x: Any) -> Any:
        return tf.nn.leaky_relu(x, alpha=0.2)

    return {
        "silu": "swish",
        "relu6": relu6,
        "hard_sigmoid": hard_sigmoid,
        "hard_silu": hard_silu,
        "hard_swish": hard_silu,
        "leaky_relu": leaky_relu,
    }
