"""Products of matrices: `Dense` where one is constant, whose rows are put in the order of the numbers, else `matmul` and `einsum`."""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any

import numpy as np

from edgekit.onnx_graph.broadcast import addable, together
from edgekit.onnx_graph.layout import Atom, Axes, Laid, flat, moved_array, reshaped, transposed
from edgekit.onnx_graph.operators.registry import builds
from edgekit.onnx_graph.step import CannotExpress, Operand, Step, Unfit, keras_dtype


@builds("Gemm")
def gemm(step: Step) -> Laid:
    """alpha * A * B + beta * C: a `Dense` layer where B is constant."""
    node, left, right, added = step.node, step.input(0), step.input(1), step.input(2)
    alpha, beta = node.number("alpha", 1.0), node.number("beta", 1.0)
    left, right = (_turned(one, node.integer(name, 0)) for one, name in ((left, "transA"), (right, "transB")))
    if isinstance(left, Laid) and isinstance(right, np.ndarray):
        bias = _bias(added, right.shape[1], beta)
        made = dense(step, left, right * np.float32(alpha), bias)
        if bias is not None or added is None:
            return made
    else:
        made = _scaled(step, matmul_of(step, left, right), alpha)
    return made if added is None else _sum(step, made, _scaled(step, added, beta))


def _turned(one: Operand | None, turn: int) -> Operand:
    if one is None:
        raise CannotExpress("a factor is missing")
    if not turn:
        return one
    return one.T if isinstance(one, np.ndarray) else transposed(one, (1, 0))


def _bias(added: Operand | None, width: int, beta: float) -> np.ndarray | None:
    """A constant that is added alike to each row."""
    if not isinstance(added, np.ndarray) or added.size not in (1, width) or (added.ndim == 2 and added.shape[0] != 1):
        return None
    return np.broadcast_to(added.reshape(-1) * np.float32(beta), (width,))


def _scaled(step: Step, one: Any, factor: float) -> Any:
    if factor == 1:
        return one
    if isinstance(one, np.ndarray):
        return one * np.float32(factor)
    both = together(step, (one, np.float32(factor).reshape(())))
    return both.made(step.op(step.ops.multiply, *both.operands, suffix="scale"))


def _sum(step: Step, one: Laid, other: Operand) -> Laid:
    both = together(step, (one, other))
    return both.made(step.op(step.ops.add, *addable(*both.operands), suffix="add"))


@builds("MatMul")
def matmul(step: Step) -> Laid:
    """A product; a third input, which joining nodes may have added, is a bias of the last axis."""
    left, right, bias = step.input(0), step.input(1), step.input(2)
    if left is None or right is None:
        raise CannotExpress("a factor is missing")
    if isinstance(left, Laid) and isinstance(right, np.ndarray) and right.ndim == 2 and left.rank > 1:
        return dense(step, left, right, None if bias is None else np.asarray(bias).reshape(-1))
    if isinstance(right, Laid) and isinstance(left, np.ndarray) and left.ndim == 2 and right.rank > 1:
        turn = (*range(right.rank - 2), right.rank - 1, right.rank - 2)
        return transposed(dense(step, transposed(right, turn), left.T, None), turn)
    return matmul_of(step, left, right)


def dense(step: Step, given: Laid, kernel: np.ndarray, bias: np.ndarray | None) -> Laid:
    """A `Dense` layer over ONNX's last axis. The kernel's rows get the order in which the Keras tensor has the numbers."""
    summed = given.onnx[-1]
    if given.shape[-1] != kernel.shape[0]:
        raise Unfit(f"{given.shape[-1]} numbers times a matrix of {kernel.shape[0]} rows")
    inner = tuple(atom for atom in flat(given.keras) if atom in summed)
    kept = tuple(axis for axis in (tuple(atom for atom in axis if atom not in summed) for axis in given.keras) if axis)
    tensor = step.arranged(given, (*kept, inner))
    rows = moved_array(kernel, 0, summed, inner).astype(np.float32, copy=False)
    weights = [rows, *([] if bias is None else [bias.astype(np.float32, copy=False)])]
    made = step.layer("Dense", kernel.shape[1], use_bias=bias is not None, weights=weights)(tensor)
    new = (Atom(kernel.shape[1]),) if kernel.shape[1] > 1 else ()
    return Laid(tensor=made, onnx=(*given.onnx[:-1], new), keras=(*kept, new))


def matmul_of(step: Step, left: Operand, right: Operand) -> Laid:
    """A product of two tensors, or of a tensor and a stack of constant matrices."""
    shape = _shape(left, right)
    one = _raised(left, at=0) if len(left.shape) == 1 else left
    other = _raised(right, at=1) if len(right.shape) == 1 else right
    rank = max(len(one.shape), len(other.shape))
    skipped = 1 if rank > 2 and all(len(part.shape) < rank or part.shape[0] == 1 for part in (one, other)) else 0
    made = step.op(step.ops.matmul, *(_stacked(step, part, rank, skipped) for part in (one, other)))
    full = (*np.broadcast_shapes(one.shape[:-2], other.shape[:-2]), one.shape[-2], other.shape[-1])
    result = step.made(made, full, range(skipped, rank))
    found = reshaped(result, shape)
    assert found is not None
    return found


def _shape(left: Operand, right: Operand) -> tuple[int, ...]:
    """The shape that NumPy's rules give a product."""
    one, other = tuple(left.shape), tuple(right.shape)
    stack = np.broadcast_shapes(one[:-2], other[:-2])
    return (*stack, *one[-2:-1], *(other[-1:] if len(other) > 1 else ()))


def _raised(one: Operand, *, at: int) -> Operand:
    """A vector as a matrix of one row or column."""
    shape = (1, one.shape[0]) if at == 0 else (one.shape[0], 1)
    if isinstance(one, np.ndarray):
        return one.reshape(shape)
    found = reshaped(one, shape)
    assert found is not None
    return found


def _stacked(step: Step, one: Operand, rank: int, skipped: int) -> Any:
    """A factor with as many axes as the other; its own in ONNX's order."""
    if isinstance(one, np.ndarray):
        return one.astype(keras_dtype(str(one.dtype)), copy=False)
    axes: Axes = ((),) * (rank - one.rank) + one.onnx
    return step.arranged(one, axes[skipped:])


@builds("Einsum")
def einsum(step: Step) -> Laid:
    """An `einsum` over whole axes in ONNX's order, with a letter more for the batch."""
    operands = [one for one in step.inputs if one is not None]
    terms, made = _terms(step.node.text("equation", ""), [len(one.shape) for one in operands])
    batch = next(letter for letter in string.ascii_letters if letter not in "".join(terms) + made)
    length = {
        letter: size
        for term, one in zip(terms, operands, strict=True)
        for letter, size in sorted(zip(term, one.shape, strict=True), key=lambda pair: pair[1])
    }
    full = [batch + term if isinstance(one, Laid) else term for term, one in zip(terms, operands, strict=True)]
    tensors = [
        step.arranged(one, one.onnx) if isinstance(one, Laid) else one.astype(keras_dtype(str(one.dtype)))
        for one in operands
    ]
    tensor = step.op(step.ops.einsum, f"{','.join(full)}->{batch}{made}", *tensors)
    return step.made(tensor, [length[letter] for letter in made], range(len(made)))


def _terms(equation: str, ranks: Sequence[int]) -> tuple[list[str], str]:
    """The letters of each operand and of the result, dots and an implied result written out.

    >>> _terms("...ij,jk", [3, 2])
    (['Aij', 'jk'], 'Aik')
    """
    given, arrow, made = equation.replace(" ", "").partition("->")
    terms = given.split(",")
    spare = [letter for letter in string.ascii_uppercase if letter not in equation]
    longest = max(
        (rank - len(term.replace("...", "")) for term, rank in zip(terms, ranks, strict=True) if "..." in term),
        default=0,
    )
    dots = "".join(spare[:longest])
    opened = [
        term.replace("...", dots[longest - (rank - len(term.replace("...", ""))) :] if "..." in term else "")
        for term, rank in zip(terms, ranks, strict=True)
    ]
    if not arrow:
        letters = given.replace(",", "").replace("...", "")
        made = "..." + "".join(letter for letter in sorted(set(letters)) if letters.count(letter) == 1)
    return opened, made.replace("...", dots)
