"""Code hidden in a model's file: what is refused without --trust.

A Lambda layer holds Python bytecode; a pickle can run anything; a TFOpLambda calls a TensorFlow function by its
name, which is harmless for arithmetic and not for reading or writing files. Configurations are checked as JSON,
before Keras reads them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from edgekit.errors import TrustError

# Functions of TensorFlow that only use tensors; anything else needs --trust.
SAFE_PREFIXES = (
    "math.",
    "nn.",
    "linalg.",
    "__operators__.",
    "image.",
    "signal.",
    "keras.activations.",
    "keras.backend.",
)
SAFE_NAMES = frozenset(
    "add subtract multiply divide matmul reshape transpose concat stack unstack split squeeze expand_dims cast identity "
    "clip_by_value pad tile gather slice strided_slice shape reduce_mean reduce_sum reduce_max reduce_min abs exp sqrt "
    "square maximum minimum pow sigmoid tanh one_hot where zeros_like ones_like cumsum argmax argmin broadcast_to "
    "reverse roll repeat sort argsort norm einsum tensordot round sign floor sin cos cumprod eye range linspace searchsorted "
    "truncatediv gather_nd scatter_nd tensor_scatter_nd_update saturate_cast meshgrid "
    "sequence_mask size shape_n ensure_shape stop_gradient less less_equal greater greater_equal equal "
    "not_equal logical_and logical_or logical_not negative realdiv truediv floordiv add_n scalar_mul reduce_prod reduce_any reduce_all "
    "reduce_logsumexp acos asin atan atan2 cosh sinh hypot space_to_batch batch_to_space space_to_batch_nd "
    "convert_to_tensor ones zeros fill rank".split()
)


def refuse_code(config: Any, *, where: str, trust: bool) -> None:
    """Raise `TrustError` if a model's configuration holds code, unless the user trusts the file."""
    if trust:
        return
    for kind, name in _suspects(config):
        raise TrustError(
            f"layer {name!r} is a {kind}: code that would run on this machine",
            where=where,
            received=kind,
            allowed="layers that are described by their settings alone",
            next_step="replace it by a layer (Rescaling, Activation, a registered class with --import), or say --trust",
        )


def _suspects(config: Any, name: str = "?") -> Iterator[tuple[str, str]]:
    if isinstance(config, list | tuple):
        for part in config:
            yield from _suspects(part, name)
    elif isinstance(config, dict):
        inner = config.get("config")
        if isinstance(inner, dict) and isinstance(inner.get("name"), str):
            name = inner["name"]
        kind = config.get("class_name")
        if kind in ("Lambda", "__lambda__", "function_type"):
            yield "Lambda", name
        elif kind == "TFOpLambda" and isinstance(inner, dict) and not is_safe(str(inner.get("function"))):
            yield f"call of tf.{inner.get('function')}", name
        elif kind == "TensorFlowFunction" and isinstance(inner, dict) and not is_safe(str(inner.get("symbol"))):
            yield f"call of tf.{inner.get('symbol')}", name
        for part in config.values():
            yield from _suspects(part, name)


def is_safe(function: str) -> bool:
    """Whether a TensorFlow function, by its public name, only uses tensors."""
    function = function.removeprefix("compat.v1.")
    return function in SAFE_NAMES or function.startswith(SAFE_PREFIXES)
