"""Which role each call has: how far channels can be followed through it."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgekit.keras_graph.call_graph import flat
from edgekit.keras_graph.flat_graph import Call, Value, values_in
from edgekit.passes.affine import affine
from edgekit.passes.channels import cuts
from edgekit.passes.channels.curves import name_of_curve
from edgekit.passes.channels.layers import KINDS, family_of
from edgekit.passes.channels.layers.interface import is_bound
from edgekit.passes.channels.roles import Role
from edgekit.passes.kinds import SILENT, kind

POOLS = tuple(
    f"{place}{how}Pooling{rank}D" for place in ("", "Global") for how in ("Average", "Max") for rank in (1, 2, 3)
)
PADS = ("ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D")
MOVES = ("Cropping1D", "Cropping2D", "Cropping3D", "UpSampling1D", "UpSampling2D", "UpSampling3D")
HANDS_ON = ("Identity", *(name for name in SILENT if name != "ActivityRegularization"))
MERGES = ("Add", "Subtract", "Multiply", "Maximum", "Minimum")
"""Layers and operations that compute each number from those at the same place."""


def role(call: Call, times: int) -> Role:
    """The role of a call whose operation is called so often; one that is shared, constrained or part of a loss is closed."""
    name, values = kind(call), [*call.inputs, *call.outputs]
    is_single = len(call.outputs) == 1 or name == cuts.SPLIT
    if not name or not call.inputs or not is_single or not all(map(_has_channels, values)):
        return Role.CLOSED
    if any(values_in(dict(call.kwargs))) or (times > 1 and getattr(call.operation, "weights", None)):
        return Role.CLOSED
    if (
        is_bound(call.operation)
        or _names_channels(call.operation)
        or getattr(call.operation, "data_format", "channels_last") != "channels_last"
    ):
        return Role.CLOSED
    return _known(name, call)


def _has_channels(value: Value) -> bool:
    return bool(value.shape) and value.shape[-1] is not None and value.dtype.startswith("float")


def _names_channels(layer: Any) -> bool:
    """Whether a dropout's settings count the channels, so that it takes no others."""
    return (getattr(layer, "noise_shape", None) or (None,))[-1] not in (None, 1)


def _known(name: str, call: Call) -> Role:
    layer, made = call.operation, call.outputs[0].shape
    if name in MERGES:
        return Role.ALIKE if _is_merged_alike(call) else Role.CLOSED
    if name == "Concatenate":
        return _joined(call)
    if name in cuts.KINDS:
        return Role.CLOSED if cuts.cuts_of(call) is None else Role.CUTS
    if list(call.args) != list(call.inputs) or len(call.inputs) != 1:
        return Role.CLOSED
    if name in KINDS:
        family = family_of(call)
        return Role.CLOSED if family is None else family.role
    if name == "Flatten" or (name == "Reshape" and hasattr(layer, "target_shape")):
        return _reshaped(call.inputs[0].shape, made)
    is_moved = name in MOVES and getattr(layer, "interpolation", "nearest") in ("nearest", "bilinear")
    if is_moved or name in (*POOLS, *PADS, *HANDS_ON) or name_of_curve(call):
        return Role.ALIKE
    if name == "Flip":
        return Role.ALIKE if _turns_places(call) else Role.CLOSED
    is_scaled = name == "Rescaling" and np.ndim(layer.scale) == np.ndim(layer.offset) == 0
    return Role.ALIKE if is_scaled and affine(call) is not None else Role.CLOSED


def _turns_places(call: Call) -> bool:
    """Whether a reversal is of other axes than the last one."""
    axis, rank = call.operation.axis, 1 + len(call.inputs[0].shape)
    axes = axis if isinstance(axis, list | tuple) else (axis,)
    return all(one is not None and one % rank != rank - 1 for one in axes)


def is_same_for_all(part: Any) -> bool:
    """Whether what is merged is a constant that has one number for all channels, at each place."""
    return isinstance(part, int | float) or (isinstance(part, np.ndarray) and part.shape[-1:] in ((), (1,)))


def _is_merged_alike(call: Call) -> bool:
    """Whether all that is merged has the channels of the outcome, or one number for all of them."""
    made, parts = call.outputs[0].shape, flat(list(call.args))
    if not all(isinstance(part, Value) or is_same_for_all(part) for part in parts) or call.kwargs:
        return False
    return all((len(value.shape), value.shape[-1]) == (len(made), made[-1]) for value in call.inputs)


def _joined(call: Call) -> Role:
    axis, last = getattr(call.operation, "axis", None), len(call.outputs[0].shape)
    return Role.JOINS if axis in (-1, last) and len(flat(list(call.args))) == len(call.inputs) else Role.CLOSED


def _reshaped(given: tuple[int | None, ...], made: tuple[int | None, ...]) -> Role:
    if given[-1] == made[-1] and None not in made:
        return Role.ALIKE
    return Role.FLATTENS if len(made) == 1 and None not in given else Role.CLOSED
