"""Slices by `x[...]`: which of the channels of what is sliced they take, and the same slice of fewer channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgekit.keras_graph.flat_graph import Call

KIND = "GetItem"


def cut_of(call: Call) -> slice | None:
    """The channels that a slice takes, one after another; None for another call, and where axes go or come, or the batch is cut."""
    if call.kind != KIND or len(call.args) != 2 or len(call.inputs) != 1 or not isinstance(call.args[1], list | tuple):
        return None
    shape = call.inputs[0].shape
    key = _whole(call.args[1], 1 + len(shape))
    if len(key) != 1 + len(shape) or not all(isinstance(one, slice) for one in key) or key[0] != slice(None):
        return None
    start, stop, step = key[-1].indices(shape[-1] or 0)
    return slice(start, stop) if step == 1 and start < stop else None


def key_of_fewer(call: Call, stays: np.ndarray) -> tuple[Any, ...]:
    """The key that takes of an input without some of its channels those that stay; `stays` tells of each channel whether it does."""
    cut = cut_of(call)
    assert cut is not None, "channels are followed through slices alone"
    start = int(stays[: cut.start].sum())
    key = _whole(call.args[1], 1 + len(call.inputs[0].shape))
    return (*key[:-1], slice(start, start + int(stays[cut].sum())))


def _whole(key: Sequence[Any], rank: int) -> tuple[Any, ...]:
    """The key, which a stored model has as a list, with a slice for each axis that it leaves whole."""
    place = next((index for index, one in enumerate(key) if one is Ellipsis), len(key))
    left, right = key[:place], key[place + 1 :]
    return (*left, *[slice(None)] * (rank - len(left) - len(right)), *right)
