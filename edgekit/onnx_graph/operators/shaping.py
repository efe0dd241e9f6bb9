"""Operators that only name axes anew: Reshape, Flatten, Transpose, Squeeze, Unsqueeze. No data move until an operator needs another order."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from edgekit.onnx_graph.layout import Laid, reshaped, transposed
from edgekit.onnx_graph.operators.registry import builds
from edgekit.onnx_graph.step import CannotExpress, Step, Unfit, keras_dtype


@builds("Reshape")
def reshape(step: Step) -> Laid:
    """The tensor with other axes: sizes of 0 are taken over, one of -1 is what is left."""
    given = step.laid()
    wanted = step.settings("shape", 1)
    if wanted is None:
        raise CannotExpress("its shape is missing")
    return in_shape(step, given, filled(wanted, given.shape, keeps_zero=bool(step.node.integer("allowzero", 0))))


def filled(wanted: Sequence[int], given: Sequence[int], *, keeps_zero: bool) -> tuple[int, ...]:
    """The sizes of a Reshape, 0 and -1 filled in.

    >>> filled((0, -1), (2, 3, 4), keeps_zero=False)
    (2, 12)
    """
    shape = [given[axis] if size == 0 and not keeps_zero else size for axis, size in enumerate(wanted)]
    if -1 in shape:
        rest = math.prod(size for size in shape if size != -1)
        shape[shape.index(-1)] = math.prod(given) // rest if rest else 0
    return tuple(shape)


def in_shape(step: Step, given: Laid, shape: Sequence[int]) -> Laid:
    """The tensor in another ONNX shape; the numbers are put in ONNX's order only where the sizes do not divide each other."""
    if math.prod(shape) != math.prod(given.shape):
        raise Unfit(
            f"{tuple(given.shape)} numbers in the shape {tuple(shape)}",
            "export with batch 1 or a free batch: the shape holds another",
        )
    found = reshaped(given, shape)
    if found is not None:
        return found
    plain = step.plain(given)
    order = tuple(range(1 if shape[0] == 1 else 0, len(shape)))
    tensor = step.reshaped(plain.tensor, tuple(shape[axis] for axis in order))
    return step.made(tensor, shape, order, nonnegative=given.nonnegative)


@builds("Flatten")
def flatten(step: Step) -> Laid:
    """Two axes: those before a place and those behind."""
    given = step.laid()
    axis = step.node.integer("axis", 1)
    axis = axis + given.rank if axis < 0 else axis
    return in_shape(step, given, (math.prod(given.shape[:axis]), math.prod(given.shape[axis:])))


@builds("Transpose")
def transpose(step: Step) -> Laid:
    """The axes in another order."""
    given = step.laid()
    return transposed(given, step.node.integers("perm") or tuple(reversed(range(given.rank))))


@builds("Squeeze")
def squeeze(step: Step) -> Laid:
    """Axes of size 1 left out."""
    given = step.laid()
    axes = step.settings("axes", 1)
    left = (
        [axis % given.rank for axis in axes] if axes else [axis for axis, size in enumerate(given.shape) if size == 1]
    )
    return in_shape(step, given, [size for axis, size in enumerate(given.shape) if axis not in left])


@builds("Unsqueeze")
def unsqueeze(step: Step) -> Laid:
    """Axes of size 1 put between."""
    given = step.laid()
    axes = step.settings("axes", 1) or ()
    rank = given.rank + len(axes)
    new = {axis % rank for axis in axes}
    rest = iter(given.shape)
    return in_shape(step, given, [1 if axis in new else next(rest) for axis in range(rank)])


@builds("Shape")
def shape_of(step: Step) -> np.ndarray:
    """The sizes of one sample, known before the model runs."""
    shape = step.laid().shape
    start, end = step.node.integer("start", 0), step.node.attributes.get("end")
    return np.asarray(shape[start:end], np.int64)


@builds("Size")
def size_of(step: Step) -> np.ndarray:
    """How many numbers one sample has."""
    return np.asarray(math.prod(step.laid().shape), np.int64)


@builds("EyeLike")
def eye_like(step: Step) -> np.ndarray:
    """Ones on a diagonal, in the shape of a tensor."""
    import onnx

    given = step.laid()
    wanted = step.node.integer("dtype", 0)
    dtype = onnx.helper.tensor_dtype_to_np_dtype(wanted) if wanted else np.dtype(given.dtype)
    rows, columns = given.shape
    return np.eye(rows, columns, step.node.integer("k", 0), dtype=np.dtype(keras_dtype(str(dtype))))
