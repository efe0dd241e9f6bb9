"""Every activation of keras.activations behind a convolution, and the layers of activations that have weights or settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from coverage_table.families.head import head
from coverage_table.rows import Row

NAMES = (
    "celu", "elu", "exponential", "gelu", "glu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_tanh", "leaky_relu", "linear",
    "log_sigmoid", "log_softmax", "mish", "relu", "relu6", "selu", "sigmoid", "silu", "soft_shrink", "softmax", "softplus", "softsign",
    "sparse_plus", "sparse_sigmoid", "sparsemax", "squareplus", "tanh", "tanh_shrink", "threshold",
)  # fmt: skip
JUMPS = ("hard_shrink", "threshold")
LAYERS: dict[str, dict[str, Any]] = {
    "PReLU": {},
    "LeakyReLU": {},
    "ELU": {"alpha": 0.5},
    "ReLU": {"max_value": 2.0, "threshold": 0.1},
}
THRESHOLD = {"threshold": 0.1, "default_value": 0.0}


def by_name(name: str) -> Callable[[Any], Any]:
    """A convolution with the activation, and a dense head."""

    def make(keras: Any) -> Any:
        layers = keras.layers
        entry = keras.Input((8, 8, 4), name="image")
        x = layers.Conv2D(16, 3)(entry)
        x = keras.ops.threshold(x, **THRESHOLD) if name == "threshold" else layers.Activation(name)(x)
        return keras.Model(entry, head(keras, layers.Flatten()(x)))

    return make


def by_layer(kind: str) -> Callable[[Any], Any]:
    """The same with a layer that is an activation."""

    def make(keras: Any) -> Any:
        layers = keras.layers
        entry = keras.Input((8, 8, 4), name="image")
        x = getattr(layers, kind)(**LAYERS[kind])(layers.Conv2D(16, 3)(entry))
        return keras.Model(entry, head(keras, layers.Flatten()(x)))

    return make


ROWS = [Row(name=name, group="activations", make=by_name(name), jumps=name in JUMPS) for name in NAMES]
ROWS += [Row(name=f"{kind} layer", group="activations", make=by_layer(kind)) for kind in LAYERS]
