"""ONNX's broadcasting over tensors whose axes stand in different orders: operands are brought to the order of the largest of them.

Constants are transposed before the model runs. Axes are aligned at ONNX's last one, then each operand gets the same Keras axes, with size 1 where it
has none.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from edgekit.onnx_graph.layout import (
    CHANNELS_LAST,
    Atom,
    Axes,
    Axis,
    Laid,
    by_order,
    common_parts,
    flat,
    plain_order,
    refined,
    split,
)
from edgekit.onnx_graph.step import Operand, Step, keras_dtype


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Together:
    """Operands with Keras axes that broadcast: Keras tensors, arrays and plain numbers; the axes of what they make."""

    operands: tuple[Any, ...]
    onnx: Axes
    keras: Axes

    def made(self, tensor: Any, *, nonnegative: bool = False) -> Laid:
        """The result as a tensor with these axes."""
        return Laid(tensor=tensor, onnx=self.onnx, keras=self.keras, nonnegative=nonnegative)


def together(step: Step, operands: Sequence[Operand]) -> Together:
    """The operands of an operator that computes number by number, at least one of them a tensor."""
    shape = np.broadcast_shapes(*(one.shape for one in operands))
    tensors = [_aligned(one, len(shape)) for one in operands if isinstance(one, Laid)]
    tensors = _refined(step, tensors)
    lead = max(tensors, key=lambda one: (_numbers(one), len(flat(one.keras)) and _is_moved(one)))
    onnx = tuple(_axis(axis, size, lead, tensors) for axis, size in enumerate(shape))
    if flat(onnx) and set(flat(onnx)) - set(flat(lead.onnx)):
        order = _order_of_all(shape, tensors)
        keras: Axes = tuple(onnx[axis] for axis in order)
    else:
        keras = _grouped(lead.keras, onnx, shape, tensors, operands)
    rest = iter(tensors)
    found = tuple(
        step.arranged(*_target(next(rest), onnx, keras))
        if isinstance(one, Laid)
        else arranged_constant(one, onnx, keras)
        for one in operands
    )
    return Together(operands=found, onnx=onnx, keras=keras)


def addable(one: Any, other: Any) -> tuple[Any, Any]:
    """Two operands in the order in which Keras adds them right.

    Keras 3.15 takes a second operand with one axis above 1 for a bias of the last axis, or of the first, whenever the size fits: one of [4, 1, 1]
    for the channels of [4, 5, 4]. Only what is a bias stays behind.
    """
    sizes_of = [() if isinstance(part, int | float) else tuple(part.shape) for part in (one, other)]
    is_bias = len(sizes_of[1]) == 1 and sizes_of[1] == sizes_of[0][-1:]
    if is_bias or _known_size(sizes_of[0]) <= _known_size(sizes_of[1]):
        return one, other
    return other, one


def _known_size(shape: Sequence[int | None]) -> int:
    return int(np.prod([size or 1 for size in shape], dtype=np.int64))


def arranged_constant(array: np.ndarray, onnx: Axes, keras: Axes) -> Any:
    """A constant of a shape that broadcasts to the ONNX axes, as it broadcasts to the Keras axes; a number where it has but one."""
    array = array.astype(keras_dtype(str(array.dtype)), copy=False)
    if array.size == 1:
        return array.reshape(-1)[0].item()
    array = raised(array, len(onnx))
    own: list[int] = list(array.shape)
    parts = [atom for place, axis in enumerate(onnx) if own[place] > 1 for atom in axis]
    moved = array.reshape([atom.size for atom in parts])
    wanted = [atom for atom in flat(keras) if atom in parts]
    moved = np.transpose(moved, [parts.index(atom) for atom in wanted])
    moved = moved.reshape([int(np.prod([a.size for a in axis if a in parts], dtype=np.int64)) for axis in keras])
    made: list[int] = list(moved.shape)
    ahead = next((place for place in range(len(made)) if made[place] > 1), 0)
    return np.ascontiguousarray(moved.reshape(made[ahead:]))


def raised(array: np.ndarray, rank: int) -> np.ndarray:
    """An array with axes of size 1 before its own, so that it has so many."""
    shape: tuple[int, ...] = (*(1,) * (rank - array.ndim), *array.shape)
    return array.reshape(shape)


def _aligned(laid: Laid, rank: int) -> Laid:
    return dataclasses.replace(laid, onnx=((),) * (rank - laid.rank) + laid.onnx)


def _numbers(laid: Laid) -> int:
    return int(np.prod(laid.shape, dtype=np.int64))


def _is_moved(laid: Laid) -> bool:
    """Whether the Keras tensor has the axes in another order than ONNX."""
    return flat(laid.onnx) != flat(laid.keras)


def _refined(step: Step, tensors: Sequence[Laid]) -> list[Laid]:
    """Tensors whose full axes have atoms of the same sizes; one whose atoms do not fit is put into whole axes first."""
    found = list(tensors)
    for axis in range(found[0].rank):
        found = _refined_axis(step, found, axis)
    return found


def _refined_axis(step: Step, tensors: list[Laid], axis: int) -> list[Laid]:
    full = [one for one in tensors if one.onnx[axis]]
    parts: tuple[int, ...] | None = ()
    for one in full:
        mine = [atom.size for atom in one.onnx[axis]]
        parts = common_parts(parts, mine) if parts else tuple(mine)
        if parts is None:
            whole = [step.whole(one)[0] if len(one.onnx[axis]) > 1 else one for one in tensors]
            return _refined_axis(step, whole, axis)
    return [_with_parts(one, axis, parts or ()) for one in tensors]


def _with_parts(laid: Laid, axis: int, parts: Sequence[int]) -> Laid:
    splits = refined(laid.onnx[axis], parts) if laid.onnx[axis] else None
    if not splits:
        return laid
    return dataclasses.replace(laid, onnx=split(laid.onnx, splits), keras=split(laid.keras, splits))


def _axis(axis: int, size: int, lead: Laid, tensors: Sequence[Laid]) -> Axis:
    """The atoms of an axis of the result: the lead's, or those of another that has the axis, or a new one for a constant's."""
    for one in (lead, *tensors):
        if one.onnx[axis]:
            return one.onnx[axis]
    return (Atom(size),) if size > 1 else ()


def _order_of_all(shape: Sequence[int], tensors: Sequence[Laid]) -> tuple[int, ...]:
    """The order of a result that is larger than each operand: channels last if all of them have that."""
    if len(shape) == 4 and shape[0] == 1 and all(one.keras == by_order(one, CHANNELS_LAST) for one in tensors):
        return CHANNELS_LAST
    return plain_order(shape)


def _grouped(
    keras: Axes, onnx: Axes, shape: Sequence[int], tensors: Sequence[Laid], operands: Sequence[Operand]
) -> Axes:
    """The lead's Keras axes, in their atoms where an operand has only some of them."""
    present = [{atom for atom, own in zip(flat(onnx), _own(one, onnx), strict=True) if own} for one in tensors]
    for one in operands:
        if not isinstance(one, Laid):
            padded = (1,) * (len(shape) - one.ndim) + one.shape
            present.append({atom for axis, size in zip(onnx, padded, strict=True) if size > 1 for atom in axis})
    found: list[Axis] = []
    for axis in keras:
        whole = all(set(axis) <= mine or not set(axis) & mine for mine in present)
        found += [axis] if whole else [(atom,) for atom in axis]
    return tuple(found)


def _own(laid: Laid, onnx: Axes) -> list[bool]:
    return [bool(mine) for mine, axis in zip(laid.onnx, onnx, strict=True) for _ in axis]


def _target(laid: Laid, onnx: Axes, keras: Axes) -> tuple[Laid, Axes]:
    """A tensor, and the Keras axes that it needs among the others: its own atoms, and none where it has size 1."""
    mine = {
        theirs: own
        for axis, its in zip(onnx, laid.onnx, strict=True)
        if its
        for theirs, own in zip(axis, its, strict=True)
    }
    return laid, tuple(tuple(mine[atom] for atom in axis if atom in mine) for axis in keras)
