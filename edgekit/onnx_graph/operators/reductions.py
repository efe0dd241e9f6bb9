"""Reductions along ONNX's axes, where these stand; `GlobalAveragePooling2D` where a picture's places are averaged. Also softmax and its like."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from edgekit.onnx_graph.layout import CHANNELS_LAST, Atom, Axes, Axis, Laid, flat, has_order, reshaped
from edgekit.onnx_graph.operators.pieces import order_with
from edgekit.onnx_graph.operators.registry import builds
from edgekit.onnx_graph.step import Step, over

REDUCED = {
    "ReduceMean": ("", "mean", ""), "ReduceSum": ("", "sum", ""), "ReduceMax": ("", "max", ""), "ReduceMin": ("", "min", ""),
    "ReduceProd": ("", "prod", ""), "ReduceL1": ("absolute", "sum", ""), "ReduceL2": ("square", "sum", "sqrt"),
    "ReduceSumSquare": ("square", "sum", ""), "ReduceLogSum": ("", "sum", "log"), "ReduceLogSumExp": ("", "logsumexp", ""),
}  # fmt: skip
"""The operations before, over and behind the reduced axes."""


@builds(*REDUCED)
def reduce(step: Step) -> Laid:
    """Axes of a tensor made one number each."""
    given, node = step.laid(), step.node
    axes = step.settings("axes", 1)
    if not axes:
        if node.integer("noop_with_empty_axes", 0):
            return _alone(step, given)
        axes = tuple(range(given.rank))
    reduced = {axis % given.rank for axis in axes}
    keeps = bool(node.integer("keepdims", 1))
    if node.operator == "ReduceMean" and reduced == {2, 3} and has_order(given, CHANNELS_LAST) and given.shape[0] == 1:
        return _global_mean(step, given, keeps=keeps)
    before, over_axes, behind = REDUCED[node.operator]
    atoms = set(flat(given.onnx[axis] for axis in reduced))
    keras = _apart(given.keras, atoms)
    places = [index + 1 for index, axis in enumerate(keras) if set(axis) & atoms]
    tensor = step.arranged(given, keras)
    if before:
        tensor = step.op(step.operation(before), tensor, suffix="before")
    if places:
        tensor = step.op(step.operation(over_axes), tensor, axis=tuple(places), keepdims=True)
    if behind:
        tensor = step.op(step.operation(behind), tensor, suffix="behind")
    onnx = tuple(
        () if axis in reduced else atoms_of for axis, atoms_of in enumerate(given.onnx) if keeps or axis not in reduced
    )
    return Laid(
        tensor=tensor, onnx=onnx, keras=tuple(() if set(axis) & atoms else axis for axis in keras),
        nonnegative=given.nonnegative and node.operator != "ReduceLogSum",
    )  # fmt: skip


def _alone(step: Step, given: Laid) -> Laid:
    """A reduction over no axes: what it does before and behind alone."""
    before, _, behind = REDUCED[step.node.operator]
    tensor = given.tensor
    for name in filter(None, (before, behind)):
        tensor = step.op(step.operation(name), tensor)
    return over(given, tensor)


def _global_mean(step: Step, given: Laid, *, keeps: bool) -> Laid:
    tensor = step.layer("GlobalAveragePooling2D", keepdims=keeps)(given.tensor)
    if keeps:
        return step.made(tensor, (1, given.shape[1], 1, 1), CHANNELS_LAST, nonnegative=given.nonnegative)
    return step.made(tensor, (1, given.shape[1]), (1,), nonnegative=given.nonnegative)


def _apart(keras: Axes, atoms: Collection[Atom]) -> Axes:
    """Keras axes of which each has only such atoms, or none."""
    found: list[Axis] = []
    for axis in keras:
        mixed = set(axis) & set(atoms) and not set(axis) <= set(atoms)
        found += [(atom,) for atom in axis] if mixed else [axis]
    return tuple(found)


@builds("ArgMax", "ArgMin")
def arg_max(step: Step) -> Laid:
    """The place of the largest or smallest number along an axis: the first of equals, or the last."""
    given, node = step.laid(), step.node
    axis = node.integer("axis", 0) % given.rank
    order, ops = order_with(given, axis), step.ops
    function, place, tensor = (
        ops.argmax if node.operator == "ArgMax" else ops.argmin,
        order.index(axis) + 1,
        step.by_order(given, order),
    )
    is_last = node.integer("select_last_index", 0) == 1
    if is_last:
        tensor = step.op(ops.flip, tensor, axis=place, suffix="flip")
    tensor = step.op(function, tensor, axis=place)
    if str(tensor.dtype) != "int32":
        tensor = step.op(ops.cast, tensor, "int32", suffix="cast")
    if is_last:
        tensor = step.op(ops.subtract, given.shape[axis] - 1, tensor, suffix="last")
    kept = tuple(one for one in order if one != axis)
    made = step.made(tensor, [1 if one == axis else size for one, size in enumerate(given.shape)], kept)
    if node.integer("keepdims", 1):
        return made
    found = reshaped(made, [size for one, size in enumerate(given.shape) if one != axis])
    assert found is not None
    return found


@builds("CumSum")
def cumulated(step: Step) -> Laid:
    """Running sums along an axis."""
    given, node = step.laid(), step.node
    axis = int(step.wanted(1).reshape(-1)[0]) % given.rank
    order = order_with(given, axis)
    place, ops = order.index(axis) + 1, step.ops
    own = tensor = step.by_order(given, order)
    if node.integer("reverse", 0):
        tensor = step.op(ops.flip, tensor, axis=place, suffix="flip")
    tensor = step.op(ops.cumsum, tensor, axis=place)
    if node.integer("reverse", 0):
        tensor = step.op(ops.flip, tensor, axis=place, suffix="back")
    if node.integer("exclusive", 0):
        tensor = step.op(ops.subtract, tensor, own, suffix="exclusive")
    return step.made(tensor, given.shape, order, nonnegative=given.nonnegative)


@builds("Softmax", "LogSoftmax", "Hardmax")
def softmax(step: Step) -> Laid:
    """A softmax over an axis; before opset 13 over all axes from it on, as one."""
    given, node = step.laid(), step.node
    if step.opset >= 13:
        summed = given.onnx[node.integer("axis", -1) % given.rank]
    else:
        summed = flat(given.onnx[node.integer("axis", 1) % given.rank :])
    places = [index for index, axis in enumerate(given.keras) if axis and set(axis) == set(summed)]
    if not places or node.operator == "Hardmax":
        inner = tuple(summed)
        kept = tuple(axis for axis in (tuple(a for a in axis if a not in summed) for axis in given.keras) if axis)
        given = Laid(tensor=step.arranged(given, (*kept, inner)), onnx=given.onnx, keras=(*kept, inner))
        places = [len(kept)]
    axis = -1 if places[0] == len(given.keras) - 1 else places[0] + 1
    return over(given, _softmax(step, given.tensor, axis), node.operator != "LogSoftmax")


def _softmax(step: Step, tensor: Any, axis: int) -> Any:
    if step.node.operator == "Softmax":
        return step.layer("Softmax", axis=axis)(tensor)
    if step.node.operator == "LogSoftmax":
        return step.op(step.ops.log_softmax, tensor, axis=axis)
    best = step.op(step.ops.argmax, tensor, axis=-1, suffix="best")
    return step.op(step.ops.one_hot, best, tensor.shape[-1])
