"""Activations of each number alone: which of Keras's own are, and which of them rise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from edgekit.keras_graph.flat_graph import Call
from edgekit.passes.kinds import kind

RISING = (
    "linear", "relu", "relu6", "leakyrelu", "elu", "selu", "celu", "sigmoid", "hardsigmoid", "logsigmoid", "tanh", "hardtanh", "softplus",
    "softsign", "exponential", "exp",
)  # fmt: skip
"""Activations of each number alone, which are larger where the number is."""
BENT = ("silu", "swish", "hardsilu", "hardswish", "gelu", "mish")
"""Activations of each number alone, which are not."""


class Curve(NamedTuple):
    """An activation of each number alone, on arrays; `is_rising` where a larger number never gives a smaller one."""

    function: Callable[[Any], Any]
    is_rising: bool


def curve(call: Call) -> Curve | None:
    """The activation that a call is, or that a layer with a kernel ends in; None where it is not one of each number alone."""
    operation = call.operation
    if name := name_of_curve(call):
        return Curve(operation.call, name in RISING and _is_plain(operation))
    return curve_of(getattr(operation, "activation", None))


def curve_of(activation: Any) -> Curve | None:
    """An activation function, or none at all, as a curve; None where it is not one of each number alone."""
    if activation is None:
        return Curve(lambda numbers: numbers, True)
    name = _name_of(activation)
    return Curve(activation, name in RISING) if name else None


def name_of_curve(call: Call) -> str:
    """The name of the activation that a call is, of Keras's own; empty for a call that is none."""
    operation, name = call.operation, kind(call)
    if name == "Activation":
        return _name_of(operation.activation)
    plain = _plain(name)
    return plain if plain in (*RISING, *BENT) and len(call.inputs) == 1 else ""


def _name_of(activation: Any) -> str:
    is_own = str(getattr(activation, "__module__", "")).startswith("keras.")
    name = _plain(str(getattr(activation, "__name__", ""))) if is_own else ""
    return name if name in (*RISING, *BENT) else ""


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _is_plain(operation: Any) -> bool:
    """Whether settings leave it rising: no threshold to jump at, no slope downwards."""
    slopes = [getattr(operation, name, None) or 0 for name in ("negative_slope", "alpha")]
    return not getattr(operation, "threshold", None) and all(slope >= 0 for slope in slopes)
