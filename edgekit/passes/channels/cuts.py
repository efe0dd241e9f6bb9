"""Slices by `x[...]` and splits: which of the channels of what is cut each outcome takes, and the same cut of fewer channels."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from edgekit.keras_graph.flat_graph import Call

SLICE, SPLIT = "GetItem", "Split"
KINDS = (SLICE, SPLIT)


def cuts_of(call: Call) -> tuple[slice, ...] | None:
    """By outcome the channels that it takes, one after another; None for another call, and where axes go or come, or another axis is split."""
    if call.kind == SPLIT:
        return _parts(call)
    if call.kind != SLICE or len(call.args) != 2 or len(call.inputs) != 1 or not isinstance(call.args[1], list | tuple):
        return None
    shape = call.inputs[0].shape
    key = whole_key(call.args[1], 1 + len(shape))
    if len(key) != 1 + len(shape) or not all(isinstance(one, slice) for one in key) or key[0] != slice(None):
        return None
    start, stop, step = key[-1].indices(shape[-1] or 0)
    return (slice(start, stop),) if step == 1 and start < stop else None


def of_fewer(call: Call, stays: np.ndarray) -> tuple[Any, tuple[Any, ...]]:
    """The operation that takes of an input without some of its channels those that stay, and what it is given behind that input; `stays` tells of each channel whether it does."""
    cuts = cuts_of(call)
    assert cuts is not None, "channels are followed through cuts alone"
    if call.kind == SPLIT:
        ends = [int(stays[: cut.stop].sum()) for cut in cuts]
        are_equal = len({stop - start for start, stop in itertools.pairwise([0, *ends])}) == 1
        sections = len(cuts) if are_equal else ends[:-1]  # equal ones are an operator that more runtimes compute
        return type(call.operation)(sections, axis=call.operation.axis, name=call.name), ()
    (cut,) = cuts
    start = int(stays[: cut.start].sum())
    key = whole_key(call.args[1], 1 + len(call.inputs[0].shape))
    return call.operation, ((*key[:-1], slice(start, start + int(stays[cut].sum()))),)


def _parts(call: Call) -> tuple[slice, ...] | None:
    """The channels of each part of a split along the last axis; none of them is empty."""
    if len(call.inputs) != 1 or list(call.args) != list(call.inputs):
        return None
    operation, shape = call.operation, call.inputs[0].shape
    size, sections = shape[-1] or 0, operation.indices_or_sections
    inner = range(size // sections, size, size // sections) if isinstance(sections, int) else sections
    ends = [0, *map(int, inner), size]
    is_rising = all(start < stop for start, stop in itertools.pairwise(ends))
    if operation.axis not in (-1, len(shape)) or not is_rising or len(ends) - 1 != len(call.outputs):
        return None
    return tuple(slice(*pair) for pair in itertools.pairwise(ends))


def whole_key(key: Sequence[Any], rank: int) -> tuple[Any, ...]:
    """The key of a slice, which a stored model has as a list, with a slice for each axis that it leaves whole."""
    place = next((index for index, one in enumerate(key) if one is Ellipsis), len(key))
    left, right = key[:place], key[place + 1 :]
    return (*left, *[slice(None)] * (rank - len(left) - len(right)), *right)
