"""Activations that Keras 3 writes in operators without an int8 kernel, or that int8 bends: written otherwise while a model is converted to integers.

The quantizer gives MINIMUM, MAXIMUM and SELECT one scale with what they take, so that a value which is also taken elsewhere is cut off there too: the smaller of a
value and zero is the negated ReLU of its negative here. The values stay the same, but for what float32 rounds.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from edgekit.make.workshop.answers import is_keras3
from edgekit.make.workshop.door import Door

Activation = Callable[..., Any]


@contextlib.contextmanager
def plain_activations(tools: Door, model: Any, *, integer: bool) -> Iterator[None]:
    """Within the block, calling a model of Keras 3 gives activations of operators with integer kernels, if `integer`."""
    nn = tools.keras3.src.backend.nn
    ours = _activations(tools) if integer and is_keras3(model) else {}
    before = {name: getattr(nn, name) for name in ours}
    for name, function in ours.items():
        setattr(nn, name, function)
    try:
        yield
    finally:
        for name, function in before.items():
            setattr(nn, name, function)


def _activations(tools: Door) -> dict[str, Activation]:
    tf, nn = tools.tf, tools.keras3.src.backend.nn
    smooth, plus = nn.gelu, nn.softplus

    def below(x: Any) -> Any:
        """The smaller of x and zero."""
        return tf.nn.relu(x * -1.0) * -1.0

    def elu(x: Any, alpha: float = 1.0) -> Any:
        x = tf.convert_to_tensor(x)
        return tf.nn.relu(x) + (tf.exp(below(x)) - 1.0) * alpha

    def celu(x: Any, alpha: float = 1.0) -> Any:
        x = tf.convert_to_tensor(x)
        return tf.nn.relu(x) + (tf.exp(below(x) * (1.0 / alpha)) - 1.0) * alpha

    def log_sigmoid(x: Any) -> Any:
        return plus(tf.convert_to_tensor(x) * -1.0) * -1.0

    def squareplus(x: Any, b: float = 4.0) -> Any:
        x = tf.convert_to_tensor(x)
        return (x + tf.sqrt(x * x + b)) * 0.5

    def sparse_plus(x: Any) -> Any:
        """A square from -1 to 1, and a line above."""
        x = tf.convert_to_tensor(x)
        within = tf.clip_by_value(x, -1.0, 1.0) + 1.0
        return within * within * 0.25 + tf.nn.relu(x - 1.0)

    def gelu(x: Any, approximate: bool = True) -> Any:
        """The exact one as TensorFlow writes it, for the converter knows it by its negation."""
        x = tf.convert_to_tensor(x)
        if approximate:
            return smooth(x, approximate=True)
        return 0.5 * x * tf.math.erfc(tf.negative(x) * tf.cast(0.5**0.5, x.dtype))

    return {
        "elu": elu,
        "celu": celu,
        "log_sigmoid": log_sigmoid,
        "squareplus": squareplus,
        "sparse_plus": sparse_plus,
        "gelu": gelu,
    }
