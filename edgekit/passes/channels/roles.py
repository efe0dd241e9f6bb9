"""What a call does with channels: mixes them by a kernel, treats each alike, joins or flattens them, or something that is not known."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from edgekit.keras_graph.call_graph import flat
from edgekit.keras_graph.flat_graph import Call, Value, values_in
from edgekit.passes.affine import CONVOLUTIONS, DEPTHWISE, TRANSPOSED, affine
from edgekit.passes.kinds import SILENT, kind

SUMS = ("Dense", *CONVOLUTIONS, *TRANSPOSED)
POOLS = tuple(
    f"{place}{how}Pooling{rank}D" for place in ("", "Global") for how in ("Average", "Max") for rank in (1, 2, 3)
)
PADS = ("ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D")
MOVES = ("Cropping1D", "Cropping2D", "Cropping3D", "UpSampling1D", "UpSampling2D", "UpSampling3D")
HANDS_ON = ("Identity", *(name for name in SILENT if name != "ActivityRegularization"))
MERGES = ("Add", "Subtract", "Multiply", "Maximum", "Minimum")
"""Layers and operations that compute each number from those at the same place."""
RISING = (
    "linear", "relu", "relu6", "leakyrelu", "elu", "selu", "celu", "sigmoid", "hardsigmoid", "logsigmoid", "tanh", "hardtanh", "softplus",
    "softsign", "exponential", "exp",
)  # fmt: skip
"""Activations of each number alone, which are larger where the number is."""
BENT = ("silu", "swish", "hardsilu", "hardswish", "gelu", "mish")
"""Activations of each number alone, which are not."""


class Role(enum.Enum):
    """What a call does with channels."""

    SUMS = "each channel is a sum over those of the input"
    ALIKE = "channel by channel"
    GROUPED = "each channel is a sum over those of its group"
    JOINS = "the channels of the inputs one after another"
    FLATTENS = "the channels once for each place"
    CLOSED = "not known, or not to be changed"


class Curve(NamedTuple):
    """An activation of each number alone, on arrays; `is_rising` where a larger number never gives a smaller one."""

    function: Callable[[Any], Any]
    is_rising: bool


def role(call: Call, times: int) -> Role:
    """The role of a call whose operation is called so often; one that is shared, constrained or part of a loss is closed."""
    name, values = kind(call), [*call.inputs, *call.outputs]
    if not name or not call.inputs or len(call.outputs) != 1 or not all(map(_has_channels, values)):
        return Role.CLOSED
    if any(values_in(dict(call.kwargs))) or (times > 1 and getattr(call.operation, "weights", None)):
        return Role.CLOSED
    if _is_bound(call.operation) or getattr(call.operation, "data_format", "channels_last") != "channels_last":
        return Role.CLOSED
    return _known(name, call)


def _has_channels(value: Value) -> bool:
    return bool(value.shape) and value.shape[-1] is not None and value.dtype.startswith("float")


def _is_bound(layer: Any) -> bool:
    """Whether a constraint holds its weights, or a loss looks at what it makes."""
    names = [name for name in vars(layer) if name.endswith("_constraint") or name == "activity_regularizer"]
    return any(getattr(layer, name) is not None for name in names)


def _known(name: str, call: Call) -> Role:
    layer, made = call.operation, call.outputs[0].shape
    if name in MERGES:
        return Role.ALIKE if _is_merged_alike(call) else Role.CLOSED
    if name == "Concatenate":
        return _joined(call)
    if list(call.args) != list(call.inputs) or len(call.inputs) != 1:
        return Role.CLOSED
    if name in SUMS:
        return _summed(call)
    if name == "Flatten" or (name == "Reshape" and hasattr(layer, "target_shape")):
        return _reshaped(call.inputs[0].shape, made)
    is_alike = name in (*POOLS, *PADS, *HANDS_ON) or (
        name in MOVES and getattr(layer, "interpolation", "nearest") in ("nearest", "bilinear")
    )
    if is_alike or (name in DEPTHWISE and curve(call) is not None) or name_of_curve(call):
        return Role.ALIKE
    is_scaled = name == "BatchNormalization" or (
        name == "Rescaling" and np.ndim(layer.scale) == np.ndim(layer.offset) == 0
    )
    return Role.ALIKE if is_scaled and affine(call) is not None else Role.CLOSED


def _summed(call: Call) -> Role:
    if getattr(call.operation, "groups", 1) == 1:
        return Role.SUMS
    return Role.GROUPED if curve(call) is not None else Role.CLOSED


def _is_merged_alike(call: Call) -> bool:
    """Whether all that is merged has the channels of the outcome, or is one number."""
    made, parts = call.outputs[0].shape, flat(list(call.args))
    if any(not isinstance(part, Value | int | float) for part in parts) or call.kwargs:
        return False
    return all((len(value.shape), value.shape[-1]) == (len(made), made[-1]) for value in call.inputs)


def _joined(call: Call) -> Role:
    axis, last = getattr(call.operation, "axis", None), len(call.outputs[0].shape)
    return Role.JOINS if axis in (-1, last) and len(flat(list(call.args))) == len(call.inputs) else Role.CLOSED


def _reshaped(given: tuple[int | None, ...], made: tuple[int | None, ...]) -> Role:
    if given[-1] == made[-1] and None not in made:
        return Role.ALIKE
    return Role.FLATTENS if len(made) == 1 and None not in given else Role.CLOSED


def name_of_curve(call: Call) -> str:
    """The name of the activation that a call is, of Keras's own; empty for a call that is none."""
    operation, name = call.operation, kind(call)
    if name == "Activation":
        return _name_of(operation.activation)
    plain = _plain(name)
    return plain if plain in (*RISING, *BENT) and len(call.inputs) == 1 else ""


def curve(call: Call) -> Curve | None:
    """The activation that a call is, or that a layer with a kernel ends in; None where it is not one of each number alone."""
    operation = call.operation
    if name := name_of_curve(call):
        return Curve(operation.call, name in RISING and _is_plain(operation))
    activation = getattr(operation, "activation", None)
    if activation is None:
        return Curve(lambda numbers: numbers, True)
    name = _name_of(activation)
    return Curve(activation, name in RISING) if name else None


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
