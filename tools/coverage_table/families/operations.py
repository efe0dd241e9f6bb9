"""Each operation of keras.ops that has a TFLite operator, in a model of its own. The tests of the workshop run the same table."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from coverage_table.rows import Row

SHAPE = (4, 6, 8)
"""Values are from -1 to 1, or from 0.05 to 1.95 where an operation is only defined there."""
Operation = Callable[[Any, Any], Any]
"""Takes `keras.ops` and a symbolic tensor."""

ARITHMETIC: dict[str, Operation] = {
    "add": lambda ops, x: ops.add(x, 0.5),
    "add_tensors": lambda ops, x: x + x[:, ::-1],
    "subtract": lambda ops, x: ops.subtract(x, 0.5),
    "inverted": lambda ops, x: 1.0 - x,
    "multiply": lambda ops, x: 2 * x,
    "gated": lambda ops, x: x * ops.sigmoid(x),
    "divide": lambda ops, x: x / 255,
    "divide_tensors": lambda ops, x: ops.divide(x, ops.add(ops.abs(x), 1.0)),
    "true_divide": lambda ops, x: ops.true_divide(x, 3.0),
    "floor_divide": lambda ops, x: ops.floor_divide(x, 0.3),
    "mod": lambda ops, x: ops.mod(x, 0.3),
    "negative": lambda ops, x: -x,
    "abs": lambda ops, x: abs(x),
    "square": lambda ops, x: ops.square(x),
    "power": lambda ops, x: x**2,
    "maximum": lambda ops, x: ops.maximum(x, 0.25),
    "minimum": lambda ops, x: ops.minimum(x, 0.25),
    "clip": lambda ops, x: ops.clip(x, -0.5, 0.5),
    "sign": lambda ops, x: ops.sign(x),
    "floor": lambda ops, x: ops.floor(x),
    "ceil": lambda ops, x: ops.ceil(x),
    "round": lambda ops, x: ops.round(x),
    "exp": lambda ops, x: ops.exp(x),
    "expm1": lambda ops, x: ops.expm1(x),
    "sin": lambda ops, x: ops.sin(x),
    "cos": lambda ops, x: ops.cos(x),
    "stop_gradient": lambda ops, x: ops.stop_gradient(x),
    "cast": lambda ops, x: ops.cast(ops.cast(x * 10, "int32"), "float32"),
}  # fmt: skip

POSITIVE: dict[str, Operation] = {
    "log": lambda ops, x: ops.log(x),
    "log1p": lambda ops, x: ops.log1p(x),
    "log2": lambda ops, x: ops.log2(x),
    "log10": lambda ops, x: ops.log10(x),
    "sqrt": lambda ops, x: ops.sqrt(x),
    "rsqrt": lambda ops, x: ops.rsqrt(x),
    "reciprocal": lambda ops, x: ops.reciprocal(x),
    "power_of_a_half": lambda ops, x: ops.power(x, 0.5),
}

ACTIVATIONS: dict[str, Operation] = {
    name: (lambda ops, x, name=name: getattr(ops, name)(x))
    for name in (
        "relu", "relu6", "sigmoid", "tanh", "softplus", "softsign", "silu", "hard_sigmoid", "hard_silu", "leaky_relu", "elu", "selu",
        "gelu", "softmax", "log_softmax", "log_sigmoid", "celu", "hard_tanh", "tanh_shrink", "soft_shrink", "hard_shrink", "threshold",
        "squareplus", "sparse_plus", "glu",
    )
}  # fmt: skip
ACTIVATIONS["threshold"] = lambda ops, x: ops.threshold(x, 0.1, 0.0)
ACTIVATIONS["gelu_exact"] = lambda ops, x: ops.gelu(x, approximate=False)

REDUCTIONS: dict[str, Operation] = {
    "mean": lambda ops, x: ops.mean(x, axis=(1, 2)),
    "sum": lambda ops, x: ops.sum(x, axis=-1),
    "max": lambda ops, x: ops.max(x, axis=1, keepdims=True),
    "min": lambda ops, x: ops.min(x, axis=1),
    "prod": lambda ops, x: ops.prod(x, axis=-1),
    "var": lambda ops, x: ops.var(x, axis=-1),
    "std": lambda ops, x: ops.std(x, axis=-1),
    "logsumexp": lambda ops, x: ops.logsumexp(x, axis=-1),
    "norm": lambda ops, x: ops.norm(x, axis=-1),
    "normalize": lambda ops, x: ops.normalize(x, axis=-1),
    "argmax": lambda ops, x: ops.cast(ops.argmax(x, axis=-1), "float32"),
    "argmin": lambda ops, x: ops.cast(ops.argmin(x, axis=-1), "float32"),
    "any": lambda ops, x: ops.cast(ops.any(x > 0.9, axis=-1), "float32"),
    "all": lambda ops, x: ops.cast(ops.all(x > -0.9, axis=-1), "float32"),
    "cumsum": lambda ops, x: ops.cumsum(x, axis=1),
    "average": lambda ops, x: ops.average(x, axis=-1),
    "moments": lambda ops, x: ops.moments(x, axes=[-1])[1],
}

SHAPES: dict[str, Operation] = {
    "reshape": lambda ops, x: ops.reshape(x, (-1, 24, 8)),
    "transpose": lambda ops, x: ops.transpose(x, (0, 2, 1, 3)),
    "swapaxes": lambda ops, x: ops.swapaxes(x, 1, 2),
    "moveaxis": lambda ops, x: ops.moveaxis(x, 1, 3),
    "expand_dims": lambda ops, x: ops.expand_dims(x, 1),
    "squeeze": lambda ops, x: ops.squeeze(ops.expand_dims(x, -1), -1),
    "concatenate": lambda ops, x: ops.concatenate([x, 2.0 * x], axis=-1),
    "stack": lambda ops, x: ops.stack([x, 2.0 * x], axis=1),
    "split": lambda ops, x: ops.split(x, 2, axis=-1)[1],
    "unstack": lambda ops, x: ops.unstack(x, axis=1)[1],
    "tile": lambda ops, x: ops.tile(x, (1, 2, 1, 1)),
    "repeat": lambda ops, x: ops.repeat(x, 2, axis=1),
    "pad": lambda ops, x: ops.pad(x, ((0, 0), (1, 1), (0, 0), (0, 0))),
    "pad_mirrored": lambda ops, x: ops.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect"),
    "flip": lambda ops, x: ops.flip(x, axis=1),
    "roll": lambda ops, x: ops.roll(x, 1, axis=1),
    "get_item": lambda ops, x: x[:, 1:3, ::2],
    "take": lambda ops, x: ops.take(x, [2, 0], axis=1),
    "hstack": lambda ops, x: ops.hstack([x, x]),
    "depth_to_space": lambda ops, x: ops.depth_to_space(x, 2),
    "space_to_depth": lambda ops, x: ops.space_to_depth(x, 2),
    "tril": lambda ops, x: ops.tril(x),
    "triu": lambda ops, x: ops.triu(x),
}

COMPARISONS: dict[str, Operation] = {
    "where": lambda ops, x: ops.where(x > 0.1, x, 0.0),
    "greater": lambda ops, x: ops.cast(ops.greater(x, 0.1), "float32"),
    "greater_equal": lambda ops, x: ops.cast(x >= 0.1, "float32"),
    "less": lambda ops, x: ops.cast(x < 0.1, "float32"),
    "less_equal": lambda ops, x: ops.cast(x <= 0.1, "float32"),
    "equal": lambda ops, x: ops.cast(ops.equal(ops.round(x), 0.0), "float32"),
    "not_equal": lambda ops, x: ops.cast(ops.not_equal(ops.round(x), 0.0), "float32"),
    "logical_and": lambda ops, x: ops.cast(ops.logical_and(x > 0, x < 0.5), "float32"),
    "logical_or": lambda ops, x: ops.cast(ops.logical_or(x < 0, x > 0.5), "float32"),
    "logical_not": lambda ops, x: ops.cast(ops.logical_not(x > 0), "float32"),
    "one_hot": lambda ops, x: ops.one_hot(ops.argmax(x, axis=-1), 8),
    "top_k": lambda ops, x: ops.top_k(x, 2)[0],
    "sort_by_top_k": lambda ops, x: ops.top_k(x, 8)[0],
}

KERNEL = np.random.default_rng(1).normal(size=(8, 5)).astype("float32")
WINDOW = np.random.default_rng(1).normal(size=(3, 3, 8, 5)).astype("float32")
PRODUCTS: dict[str, Operation] = {
    "matmul": lambda ops, x: ops.matmul(x, KERNEL),
    "matmul_tensors": lambda ops, x: ops.matmul(x, ops.swapaxes(x, -1, -2)),
    "einsum": lambda ops, x: ops.einsum("bijc,cd->bijd", x, KERNEL),
    "tensordot": lambda ops, x: ops.tensordot(x, KERNEL, axes=1),
    "dot": lambda ops, x: ops.dot(x, KERNEL),
    "conv": lambda ops, x: ops.conv(x, WINDOW, padding="same"),
    "depthwise_conv": lambda ops, x: ops.depthwise_conv(x, WINDOW[..., :1], padding="same"),
    "max_pool": lambda ops, x: ops.max_pool(x, 2),
    "average_pool": lambda ops, x: ops.average_pool(x, 2),
    "layer_normalization": lambda ops, x: ops.layer_normalization(x),
    "rms_normalization": lambda ops, x: ops.rms_normalization(x),
    "dot_product_attention": lambda ops, x: ops.dot_product_attention(x, x, x),
    "resize": lambda ops, x: ops.image.resize(x, (8, 12)),
    "resize_nearest": lambda ops, x: ops.image.resize(x, (8, 12), interpolation="nearest"),
}

OPERATIONS: dict[str, Operation] = {
    **ARITHMETIC, **POSITIVE, **ACTIVATIONS, **REDUCTIONS, **SHAPES, **COMPARISONS, **PRODUCTS,
}  # fmt: skip


def model_of(keras: Any, name: str) -> Any:
    """The functional model of an operation's name."""
    entry = keras.Input(SHAPE, name="x")
    given = entry if name not in POSITIVE else entry + 1.0
    return keras.Model(entry, OPERATIONS[name](keras.ops, given))


STEPPED = {
    *COMPARISONS, "floor_divide", "mod", "sign", "floor", "ceil", "round", "cast", "argmax", "argmin", "any", "all",
    "hard_shrink", "threshold", "sparse_plus",
}  # fmt: skip
"""What jumps: a step of int8 before it may be a whole step after it."""
ROWS = [
    Row(
        name=name,
        group="operations",
        make=functools.partial(model_of, name=name),
        jumps=name in STEPPED,
        quick=name == "gelu",
    )
    for name in OPERATIONS
]
