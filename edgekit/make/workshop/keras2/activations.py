"""Activations of Keras 2 as Keras 3 takes them: most by the same name, `hard_sigmoid`, which is another function there, under a name of its own."""

from __future__ import annotations

import functools
from typing import Any

from edgekit.make.workshop.door import Door

SAME = (
    "relu", "tanh", "sigmoid", "softmax", "elu", "selu", "softplus", "softsign", "exponential", "linear", "gelu", "swish", "silu", "mish",
    "relu6", "leaky_relu",
)  # fmt: skip
"""Activations of the same values in Keras 3 and in Keras 2, or in `tf.nn`."""


@functools.cache
def hard_sigmoid(tools: Door) -> Any:
    """Keras 2's `hard_sigmoid`, registered under a name by which a stored model finds it."""
    tf = tools.tf

    @tools.keras3.saving.register_keras_serializable("edgekit")  # type: ignore[untyped-decorator]
    def keras2_hard_sigmoid(x: Any) -> Any:
        return tf.clip_by_value(x * 0.2 + 0.5, 0.0, 1.0)

    return keras2_hard_sigmoid


def activation(tools: Door, found: Any) -> Any:
    """A function of Keras 2, or a name, as Keras 3 takes it; a function of the user's own as it is."""
    name = found if isinstance(found, str) else getattr(found, "__name__", None)
    own = isinstance(found, str) or str(getattr(found, "__module__", "")).startswith(("tf_keras.", "tensorflow."))
    if not own or name is None:
        return found
    if name == "hard_sigmoid":
        return hard_sigmoid(tools)
    return name if name in SAME else found
