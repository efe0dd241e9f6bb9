"""Numbers looked up by their places: Gather, which is an `Embedding` where the table is constant, GatherElements, OneHot, TopK."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgekit.onnx_graph.layout import Atom, Laid, fresh, reshaped
from edgekit.onnx_graph.operators.pieces import cut_of, order_with
from edgekit.onnx_graph.operators.registry import builds
from edgekit.onnx_graph.step import CannotExpress, Operand, Step


@builds("Gather")
def gather(step: Step) -> Laid:
    """Rows of a constant table by places that the model computes, or constant places of a tensor."""
    table, places = step.input(0), step.input(1)
    if table is None or places is None:
        raise CannotExpress("an input is missing")
    axis = step.node.integer("axis", 0) % max(len(table.shape), 1)
    if isinstance(table, np.ndarray) and isinstance(places, Laid):
        return _embedded(step, table, places, axis)
    if isinstance(table, Laid) and isinstance(places, np.ndarray):
        return _taken(step, table, places, axis)
    raise CannotExpress("places that are computed, in a tensor that is computed", "use constant places")


def _embedded(step: Step, table: np.ndarray, places: Laid, axis: int) -> Laid:
    """An `Embedding` of a table with two axes; another constant is taken from."""
    if axis != 0:
        raise CannotExpress("computed places along another axis than a table's first")
    given = places
    if given.dtype == "bool" or given.dtype.startswith("float"):
        raise CannotExpress("places that are no whole numbers")
    rows = table.reshape(table.shape[0], -1)
    if rows.dtype.kind != "f":
        made = step.op(step.ops.take, np.asarray(rows, np.int32), given.tensor, axis=0)
    else:
        layer = step.layer("Embedding", rows.shape[0], rows.shape[1], weights=[rows.astype(np.float32)])
        made = layer(given.tensor)
    row = (Atom(rows.shape[1]),) if rows.shape[1] > 1 else ()
    found = reshaped(
        Laid(tensor=made, onnx=(*given.onnx, row), keras=(*given.keras, row)), (*given.shape, *table.shape[1:])
    )
    assert found is not None
    return found


def _taken(step: Step, given: Laid, places: np.ndarray, axis: int) -> Laid:
    size = given.shape[axis]
    flat = np.where(places < 0, places + size, places).reshape(-1)
    shape = (*given.shape[:axis], *places.shape, *given.shape[axis + 1 :])
    found = _row(step, given, flat, axis)
    made = reshaped(found, shape)
    if made is None:
        raise CannotExpress("places that cannot be laid out")
    return made


def _row(step: Step, given: Laid, places: np.ndarray, axis: int) -> Laid:
    """The tensor with these places of an axis: a slice where they follow each other."""
    steps = set(np.diff(places).tolist()) or {1}
    if len(steps) == 1 and (by := steps.pop()) != 0:
        first, last = int(places[0]), int(places[-1])
        end = last + (1 if by > 0 else -1)
        return cut_of(step, given, {axis: slice(first, None if end < 0 else end, by)})
    order = order_with(given, axis)
    tensor = step.op(step.ops.take, step.by_order(given, order), places.astype(np.int32), axis=order.index(axis) + 1)
    shape = [len(places) if one == axis else size for one, size in enumerate(given.shape)]
    return step.made(tensor, shape, order, nonnegative=given.nonnegative)


@builds("GatherElements")
def gather_elements(step: Step) -> Laid:
    """Numbers along an axis by places of the same shape, which the model may compute."""
    given, places = step.laid(), step.laid(1)
    axis = step.node.integer("axis", 0) % given.rank
    tensor = step.arranged(given, given.onnx)
    where = step.arranged(places, places.onnx)
    positive = _positive(step, where, given.shape[axis])
    made = step.op(step.ops.take_along_axis, tensor, positive, axis=axis + 1)
    return step.made(made, places.shape, range(given.rank))


def _positive(step: Step, places: Any, size: int) -> Any:
    """Places of which negative ones count from the end."""
    ops = step.ops
    negative = step.op(ops.less, places, 0, suffix="negative")
    return step.op(ops.where, negative, step.op(ops.add, places, size, suffix="from_end"), places, suffix="place")


@builds("OneHot")
def one_hot(step: Step) -> Laid:
    """One of two values, by whether an axis's place is the number given."""
    given, depth, values = step.laid(), int(step.wanted(1).reshape(-1)[0]), step.wanted(2)
    axis = step.node.integer("axis", -1) % (given.rank + 1)
    ops = step.ops
    places = step.arranged(given, given.onnx)
    if str(places.dtype).startswith("float"):
        places = step.op(ops.cast, places, "int32", suffix="cast")
    hot = step.op(ops.one_hot, _positive(step, places, depth), depth, axis=-1, suffix="hot")
    off, on = values.reshape(-1).astype(np.float32).tolist()
    made = step.op(ops.add, step.op(ops.multiply, hot, on - off, suffix="scale"), off, suffix="offset")
    if values.dtype.kind in "iu":
        made = step.op(ops.cast, made, "int32")
    shape = list(given.shape)
    shape.insert(axis, depth)
    order = (*(one for one in range(len(shape)) if one != axis), axis)
    return fresh(made, shape, order)


@builds("TopK")
def top_k(step: Step) -> Sequence[Operand | None]:
    """The largest numbers along an axis, and their places; the smallest by those of the negated."""
    given, node, ops = step.laid(), step.node, step.ops
    count = int(step.wanted(1).reshape(-1)[0]) if step.opset >= 10 else node.integer("k", 1)
    axis = node.integer("axis", -1) % given.rank
    order = (*(one for one in order_with(given, axis) if one != axis), axis)
    tensor: Any = step.by_order(given, order)
    is_largest = node.integer("largest", 1)
    if not is_largest:
        tensor = step.op(ops.negative, tensor, suffix="negative")
    values, places = step.op(ops.top_k, tensor, count)
    if not is_largest:
        values = step.op(ops.negative, values, suffix="values")
    shape = [count if one == axis else size for one, size in enumerate(given.shape)]
    return step.made(values, shape, order), step.made(places, shape, order)
