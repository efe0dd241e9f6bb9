"""Channel shuffles: the channels parted in rows, rows and columns exchanged, and all in one axis again, as between grouped convolutions.

Between its two reshapes the channels of a value lie along its last two axes, row by row. So they can go only where rows of one length are left: at the
same place of every row, or, where there are more rows than places in one, by whole rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from edgekit.keras_graph.flat_graph import Call, FlatGraph, Value, values_in
from edgekit.passes.channels.laid import Laid
from edgekit.passes.channels.roles import Role
from edgekit.passes.kinds import kind

SHUFFLES = (Role.PARTS, Role.TURNS, Role.UNITES)
"""The three calls of a shuffle, in their order."""
IN_ROWS = (Role.PARTS, Role.TURNS)
"""Those that make values whose channels lie along the last two axes."""


def shuffle_roles(graph: FlatGraph) -> dict[int, Role]:
    """By the call's id the role of each call that is part of a shuffle."""
    return {id(call): found for shuffle in _shuffles(graph) for call, found in zip(shuffle, SHUFFLES, strict=True)}


def channel_counts(graph: FlatGraph, roles: Mapping[int, Role], laid: Mapping[Value, Laid]) -> dict[Value, int]:
    """How many channels each value of a graph has: its last axis, the last two, or as it is `laid`."""
    values = [*graph.inputs, *(value for call in graph.calls for value in call.outputs)]
    counts = {value: (value.shape[-1:] or (0,))[0] or 0 for value in values}
    for call in graph.calls:
        if roles[id(call)] in IN_ROWS:
            counts[call.outputs[0]] = int(np.prod(_rows(call.outputs[0])))
    return counts | {value: one.channels for value, one in laid.items()}


def order_of(call: Call, role: Role) -> np.ndarray:
    """By channel that a call of a shuffle takes, which of those it makes that is."""
    if role is Role.TURNS:
        rows, places = _rows(call.outputs[0])
        return np.asarray(np.arange(rows * places).reshape(rows, places).T.reshape(-1))
    (value,) = call.inputs if role is Role.PARTS else call.outputs
    return np.arange(value.shape[-1] or 0)


def together(call: Call) -> np.ndarray:
    """By (any, number) the channels that can go only together, of a call that parts them."""
    rows, places = _rows(call.outputs[0])
    by_place = np.arange(rows * places).reshape(rows, places)
    return np.asarray(by_place if rows <= places else by_place.T)


def rows_left(call: Call, stays: np.ndarray) -> tuple[int, int]:
    """How many rows stay of a call that parts channels, and how many places in each; `stays` tells of each channel whether it does."""
    kept = stays.reshape(_rows(call.outputs[0]))
    return int(kept.any(axis=1).sum()), int(kept.any(axis=0).sum())


def _shuffles(graph: FlatGraph) -> Iterator[tuple[Call, Call, Call]]:
    users = graph.users()

    def follower(call: Call) -> Call | None:
        """The only call that takes what a call makes."""
        (made,) = call.outputs
        found = users.get(made, [])
        return found[0] if len(found) == 1 and made not in graph.outputs else None

    for first in graph.calls:
        if _is_plain(first) and _parts(first) and (second := follower(first)) and _is_plain(second) and _turns(second):
            third = follower(second)
            if third is not None and _is_plain(third) and _unites(third):
                yield first, second, third


def _is_plain(call: Call) -> bool:
    """Whether a call makes one value of floats of another, both of known sizes."""
    if len(call.inputs) != 1 or len(call.outputs) != 1 or list(call.args) != list(call.inputs):
        return False
    values = (*call.inputs, *call.outputs)
    return all(one.shape and None not in one.shape and one.dtype.startswith("float") for one in values) and not any(
        values_in(dict(call.kwargs))
    )


def _parts(call: Call) -> bool:
    (given,), (made,) = call.inputs, call.outputs
    is_parted = len(made.shape) > 1 and min(_rows(made)) > 1 and given.shape[-1] == np.prod(_rows(made))
    return kind(call) == "Reshape" and is_parted


def _turns(call: Call) -> bool:
    """Whether a transposition exchanges the last two axes alone; a layer counts the axes without the batch, an operation with it."""
    axes = len(call.outputs[0].shape) + 1
    if kind(call) == "Permute":
        return (0, *call.operation.dims) == _exchanged(axes)
    if kind(call) == "Transpose" and call.operation.axes is not None:
        return tuple(axis % axes for axis in call.operation.axes) == _exchanged(axes)
    return False


def _exchanged(axes: int) -> tuple[int, ...]:
    return (*range(axes - 2), axes - 1, axes - 2)


def _unites(call: Call) -> bool:
    (given,), (made,) = call.inputs, call.outputs
    return kind(call) in ("Reshape", "Flatten") and made.shape[-1] == np.prod(_rows(given))


def _rows(value: Value) -> tuple[int, int]:
    """The sizes of the last two axes."""
    rows, places = value.shape[-2:]
    return rows or 0, places or 0
