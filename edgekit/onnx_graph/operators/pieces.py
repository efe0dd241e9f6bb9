"""Operators that join tensors, cut them, pad or repeat them along ONNX's axes: Concat, Split, Slice, Pad, Tile, Expand."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from edgekit.onnx_graph.broadcast import together
from edgekit.onnx_graph.layout import CHANNELS_LAST, Laid, axis_order, flat, fresh_axis
from edgekit.onnx_graph.operators.registry import builds
from edgekit.onnx_graph.operators.shaping import in_shape
from edgekit.onnx_graph.step import CannotExpress, Operand, Step, Unfit

MOST_AXES = 4
"""TFLite's STRIDED_SLICE takes five with the batch."""


def order_with(laid: Laid, *axes: int) -> tuple[int, ...]:
    """The order that moves least and has these axes: the first one too, where it has size 1 and the batch would stand for it."""
    order = axis_order(laid)
    return (*sorted(set(axes) - set(order)), *order)


@builds("Concat")
def concat(step: Step) -> Operand:
    """Operands one after another, in the order of the largest; a constant is repeated for each sample."""
    parts = [one for one in step.inputs if one is not None and 0 not in one.shape]
    tensors = [one for one in parts if isinstance(one, Laid)]
    if not tensors:
        raise CannotExpress("constants alone")
    if len(parts) == 1:
        return parts[0]
    lead = max(tensors, key=lambda one: np.prod(one.shape, dtype=np.int64))
    axis = step.node.integer("axis", 1) % lead.rank
    wide = [0] if any(one.shape[0] > 1 for one in parts) or axis == 0 else []
    order = order_with(lead, *wide)
    given = [step.by_order(one, order) if isinstance(one, Laid) else step.repeated(one, order, lead) for one in parts]
    shape = [sum(one.shape[axis] for one in parts) if place == axis else size for place, size in enumerate(lead.shape)]
    nonnegative = all(one.nonnegative if isinstance(one, Laid) else bool(np.all(one >= 0)) for one in parts)
    place = order.index(axis) + 1
    layer = step.layer("Concatenate", axis=-1 if place == len(order) else place)
    return step.made(layer(given), shape, order, nonnegative=nonnegative)


@builds("Split")
def split(step: Step) -> Sequence[Laid]:
    """Pieces along an axis, of given sizes or of equal ones."""
    given = step.laid()
    axis = step.node.integer("axis", 0) % given.rank
    count = len(step.node.outputs)
    sizes = step.settings("split", 1)
    if sizes is None:
        each = -(-given.shape[axis] // step.node.integer("num_outputs", count))
        sizes = tuple(min(each, given.shape[axis] - each * index) for index in range(count))
    if len(sizes) == 1:
        return [given]
    order = order_with(given, axis)
    ends = [int(one) for one in np.cumsum(sizes)[:-1]]
    if order.index(axis) == len(order) - 1 and all(sizes):  # of slices, each channel can be followed
        starts = zip((0, *ends), sizes, strict=True)
        return [cut_of(step, given, {axis: slice(start, start + size)}) for start, size in starts]
    pieces = step.op(step.ops.split, step.by_order(given, order), ends, axis=order.index(axis) + 1)
    shapes = [[size if place == axis else one for place, one in enumerate(given.shape)] for size in sizes]
    return [
        step.made(piece, shape, order, nonnegative=given.nonnegative)
        for piece, shape in zip(pieces, shapes, strict=True)
    ]


@builds("Slice")
def slices(step: Step) -> Laid:
    """A part of some axes, in steps; backwards by a flip."""
    given = step.laid()
    starts, ends = step.settings("starts", 1) or (), step.settings("ends", 2) or ()
    axes = step.settings("axes", 3) or tuple(range(len(starts)))
    steps = step.settings("steps", 4) or (1,) * len(starts)
    cuts = {
        axis % given.rank: slice(start, None if by < 0 and end < -given.shape[axis % given.rank] else end, by)
        for start, end, axis, by in zip(starts, ends, axes, steps, strict=True)
    }
    return cut_of(step, given, cuts)


def cut_of(step: Step, given: Laid, cuts: dict[int, slice]) -> Laid:
    """A slice by ONNX axis."""
    found = {axis: range(given.shape[axis])[cut] for axis, cut in cuts.items()}
    found = {axis: places for axis, places in found.items() if places != range(given.shape[axis])}
    if not found:
        return given
    if any(len(places) == 0 for places in found.values()):
        raise Unfit("a slice without numbers")
    groups = _groups(given, order_with(given, *found), found)
    tensor = step.arranged(given, tuple(flat(given.onnx[axis] for axis in group) for group in groups))
    backwards = [groups.index((axis,)) + 1 for axis, places in found.items() if places.step < 0]
    if backwards:
        tensor = step.op(step.ops.flip, tensor, axis=backwards, suffix="flip")
        found = {axis: _mirrored(places, given.shape[axis]) for axis, places in found.items()}
    if any(places != range(given.shape[axis]) for axis, places in found.items()):
        cut = {axis: slice(places.start, places[-1] + 1, places.step) for axis, places in found.items()}
        key = (slice(None), *(cut.get(group[0], slice(None)) for group in groups))
        tensor = tensor[key]
        tensor._keras_history.operation.name = step.name()
    onnx = tuple(fresh_axis(len(found[axis])) if axis in found else atoms for axis, atoms in enumerate(given.onnx))
    keras = tuple(flat(onnx[axis] for axis in group) for group in groups)
    return Laid(tensor=tensor, onnx=onnx, keras=keras, nonnegative=given.nonnegative)


def _groups(given: Laid, order: Sequence[int], alone: Collection[int]) -> list[tuple[int, ...]]:
    """The axes that a Keras tensor has one by one; where TFLite's slice takes no more, those that are not cut as one axis between the others."""
    if len(order) <= MOST_AXES:
        return [(axis,) for axis in order]
    groups: list[tuple[int, ...]] = []
    for axis in order:
        if axis not in alone and groups and groups[-1][0] not in alone:
            groups[-1] = (*groups[-1], axis)
        else:
            groups.append((axis,))
    return [group for group in groups if group[0] in alone or flat(given.onnx[axis] for axis in group)]


def _mirrored(places: range, size: int) -> range:
    """Where places that are read backwards stand in a flipped axis."""
    if places.step > 0:
        return places
    return range(size - 1 - places[0], size - places[-1], -places.step)


@builds("Pad")
def pad(step: Step) -> Laid:
    """Numbers around a tensor; negative pads cut off."""
    given, mode = step.laid(), step.node.text("mode", "constant")
    before, behind = _pads(step, given.rank)
    cuts = {a: slice(max(-before[a], 0), given.shape[a] - max(-behind[a], 0), 1) for a in range(given.rank)}
    given = cut_of(step, given, cuts)
    pads = {a: (max(before[a], 0), max(behind[a], 0)) for a in range(given.rank) if before[a] > 0 or behind[a] > 0}
    if not pads:
        return given
    order = order_with(given, *pads)
    tensor, value = step.by_order(given, order), _value(step)
    around = tuple(pads.get(axis, (0, 0)) for axis in order)
    shape = [size + sum(pads.get(axis, (0, 0))) for axis, size in enumerate(given.shape)]
    if mode == "constant":
        made = _filled(step, tensor, order, around, value)
    elif mode == "reflect" and all(max(ends) < given.shape[axis] for axis, ends in pads.items()):
        made = step.op(step.ops.pad, tensor, ((0, 0), *around), mode="reflect")
    elif mode == "edge" and all(max(ends) <= 1 for ends in pads.values()):
        made = step.op(step.ops.pad, tensor, ((0, 0), *around), mode="symmetric")
    else:
        made = _taken(step, tensor, around, {"edge": "edge", "wrap": "wrap", "reflect": "reflect"}[mode])
    return step.made(made, shape, order, nonnegative=given.nonnegative and (mode != "constant" or value >= 0))


def _pads(step: Step, rank: int) -> tuple[list[int], list[int]]:
    pads = step.settings("pads", 1) or (0,) * (2 * rank)
    axes = step.constant(3)
    places = range(rank) if axes is None else [int(axis) % rank for axis in axes]
    before, behind = [0] * rank, [0] * rank
    for index, axis in enumerate(places):
        before[axis], behind[axis] = pads[index], pads[index + len(pads) // 2]
    return before, behind


def _value(step: Step) -> Any:
    found = step.constant(2)
    return step.node.number("value", 0.0) if found is None or found.size == 0 else found.reshape(-1)[0].item()


def _filled(step: Step, tensor: Any, order: Sequence[int], around: Sequence[tuple[int, int]], value: Any) -> Any:
    if tuple(order) == CHANNELS_LAST and around[-1] == (0, 0) and value == 0:
        return step.layer("ZeroPadding2D", tuple(around[:2]))(tensor)
    return step.op(step.ops.pad, tensor, ((0, 0), *around), mode="constant", constant_values=value)


def _taken(step: Step, tensor: Any, around: Sequence[tuple[int, int]], mode: Any) -> Any:
    """Padding that TFLite has no operator for: the places are looked up, one axis after the other."""
    for place, ends in enumerate(around):
        if any(ends):
            places = np.pad(np.arange(tensor.shape[place + 1]), ends, mode=mode).astype(np.int32)
            tensor = step.op(step.ops.take, tensor, places, axis=place + 1)
    return tensor


@builds("Tile")
def tile(step: Step) -> Laid:
    """A tensor repeated along its axes."""
    given, repeats = step.laid(), step.settings("repeats", 1) or ()
    wide = [axis for axis, count in enumerate(repeats) if count > 1]
    if not wide:
        return given
    order = order_with(given, *wide)
    tensor = step.op(step.ops.tile, step.by_order(given, order), (1, *(repeats[axis] for axis in order)))
    shape = [size * count for size, count in zip(given.shape, repeats, strict=True)]
    return step.made(tensor, shape, order, nonnegative=given.nonnegative)


@builds("Expand")
def expand(step: Step) -> Laid:
    """A tensor broadcast to a shape: times ones, where it grows."""
    given, wanted = step.laid(), step.settings("shape", 1) or ()
    shape = np.broadcast_shapes(given.shape, wanted)
    if np.prod(shape, dtype=np.int64) == np.prod(given.shape, dtype=np.int64):
        return in_shape(step, given, shape)
    if given.dtype == "bool":
        both = together(step, (given, np.zeros(shape, bool)))
        return both.made(step.op(step.ops.logical_or, *both.operands))
    both = together(step, (given, np.ones(shape, given.dtype)))
    return both.made(step.op(step.ops.multiply, *both.operands), nonnegative=given.nonnegative)
