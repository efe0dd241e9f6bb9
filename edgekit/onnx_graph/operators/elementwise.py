"""Operators number by number, of one tensor or of several that broadcast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgekit.onnx_graph.broadcast import addable, together
from edgekit.onnx_graph.layout import Laid
from edgekit.onnx_graph.operators.registry import builds
from edgekit.onnx_graph.step import CannotExpress, Operand, Step, keras_dtype, over

UNARY = {
    "Abs": "absolute", "Neg": "negative", "Exp": "exp", "Log": "log", "Sqrt": "sqrt", "Erf": "erf", "Floor": "floor", "Ceil": "ceil",
    "Round": "round", "Sign": "sign", "Sin": "sin", "Cos": "cos", "Tan": "tan", "Asin": "arcsin", "Acos": "arccos", "Atan": "arctan",
    "Sinh": "sinh", "Cosh": "cosh", "Asinh": "arcsinh", "Acosh": "arccosh", "Atanh": "arctanh", "Not": "logical_not", "IsNaN": "isnan",
    "Reciprocal": "reciprocal",
}  # fmt: skip
"""The operation of `keras.ops`."""
NEVER_BELOW_ZERO = ("Abs", "Exp", "Sqrt")
COMPARED = {
    "Equal": "equal", "Less": "less", "Greater": "greater", "LessOrEqual": "less_equal", "GreaterOrEqual": "greater_equal",
    "And": "logical_and", "Or": "logical_or", "Xor": "logical_xor",
}  # fmt: skip
NOT_TRAINED = "arrays that the file adds or multiplies outside of a layer stay as they are when a technique trains: {}"
MERGED = {
    "Add": ("Add", "add"), "Sum": ("Add", "add"), "Sub": ("Subtract", "subtract"), "Mul": ("Multiply", "multiply"),
    "Max": ("Maximum", "maximum"), "Min": ("Minimum", "minimum"),
}  # fmt: skip
"""The layer for two tensors, and the operation for a tensor and a constant."""


@builds(*UNARY)
def unary(step: Step) -> Laid:
    """One tensor, wherever its axes stand."""
    given, name = step.laid(), step.node.operator
    return over(given, step.op(step.operation(UNARY[name]), given.tensor), name in NEVER_BELOW_ZERO)


@builds("IsInf")
def is_infinite(step: Step) -> Laid:
    """Whether a number is infinite, of either sign or of one."""
    given, node = step.laid(), step.node
    if not (node.integer("detect_negative", 1) and node.integer("detect_positive", 1)):
        end = np.inf if node.integer("detect_positive", 1) else -np.inf
        return over(given, step.op(step.ops.equal, given.tensor, float(end)))
    return over(given, step.op(step.ops.isinf, given.tensor))


@builds("Identity", "Dropout")
def identity(step: Step) -> Operand | Sequence[Operand | None]:
    """What is given; a dropout does nothing in inference, and the mask that it can give is true everywhere."""
    given = step.input(0)
    if given is None:
        raise CannotExpress("its input is missing")
    if step.node.operator == "Dropout" and _is_training(step):
        raise CannotExpress("a dropout that is training", "export the model in evaluation mode: model.eval()")
    if len(step.node.outputs) > 1 and step.node.outputs[1]:
        return given, np.ones(given.shape, bool)
    return given


def _is_training(step: Step) -> bool:
    ratio, training = step.constant(1), step.constant(2)
    return training is not None and bool(training.reshape(-1)[0]) and (ratio is None or float(ratio.reshape(-1)[0]) > 0)


@builds("Cast", "CastLike")
def cast(step: Step) -> Laid:
    """Numbers of another dtype; what has 64 bits in ONNX has 32."""
    import onnx

    given = step.laid()
    if step.node.operator == "CastLike":
        like = step.input(1)
        dtype = like.dtype if isinstance(like, Laid) else str(np.asarray(like).dtype)
    else:
        dtype = str(onnx.helper.tensor_dtype_to_np_dtype(step.node.integer("to", 1)))
    wanted = keras_dtype("float32" if dtype == "bfloat16" else dtype)
    if wanted not in ("float32", "int32", "bool", "int8", "uint8", "int16", "uint16"):
        raise CannotExpress(f"numbers of the dtype {dtype}", "export in float32")
    if wanted == given.dtype:
        return given
    return over(given, step.op(step.ops.cast, given.tensor, wanted), given.nonnegative)


NEUTRAL = {"Add": 0, "Sum": 0, "Mul": 1}
"""The number that leaves the other operand as it is."""


@builds(*MERGED)
def merged(step: Step) -> Laid:
    """Sums, products and the like of any number of operands, two at a time."""
    operands = [one for one in step.inputs if one is not None]
    name = step.node.operator
    if "axis" in step.node.attributes:
        raise CannotExpress(
            "a broadcast along an axis, as before opset 7", "bring the file to opset 13 with onnx.version_converter"
        )
    found = operands[0]
    for other in operands[1:]:
        found = _merged(step, name, found, other)
    if not isinstance(found, Laid):
        raise CannotExpress("constants alone")
    return found


def _merged(step: Step, name: str, one: Operand, other: Operand) -> Operand:
    layer, function = MERGED[name]
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return np.asarray(getattr(np, function)(one, other))
    for given, constant in ((one, other), (other, one)):
        if name in NEUTRAL and isinstance(given, Laid) and _changes_nothing(given, constant, NEUTRAL[name]):
            return given
    if any(isinstance(part, np.ndarray) and part.size > 1 for part in (one, other)):
        step.note(NOT_TRAINED, step.base)
    both = together(step, (one, other))
    nonnegative = name in ("Add", "Sum", "Mul", "Min", "Max") and all(_never_below_zero(part) for part in (one, other))
    if name == "Max":
        nonnegative = _never_below_zero(one) or _never_below_zero(other)
    operands = addable(*both.operands) if layer == "Add" else both.operands
    if isinstance(one, Laid) and isinstance(other, Laid) and one.dtype == other.dtype == "float32":
        return both.made(step.layer(layer)(list(operands)), nonnegative=nonnegative)
    return both.made(step.op(step.operation(function), *operands), nonnegative=nonnegative)


def _changes_nothing(given: Laid, constant: Operand, neutral: int) -> bool:
    """Whether a constant is that number throughout, and does not broadcast what it meets to a larger shape."""
    if isinstance(constant, Laid) or not np.all(constant == neutral):
        return False
    return np.broadcast_shapes(given.shape, constant.shape) == given.shape


def _never_below_zero(one: Operand) -> bool:
    return one.nonnegative if isinstance(one, Laid) else bool(np.all(one >= 0))


@builds("Mean")
def mean(step: Step) -> Laid:
    """The mean of its operands."""
    operands = [one for one in step.inputs if one is not None]
    found = operands[0]
    for other in operands[1:]:
        found = _merged(step, "Add", found, other)
    if not isinstance(found, Laid):
        raise CannotExpress("constants alone")
    return over(found, step.op(step.ops.multiply, found.tensor, 1.0 / len(operands)), found.nonnegative)


@builds("Div")
def divide(step: Step) -> Laid:
    """A quotient; a product where a float is divided by a constant. ONNX cuts off the fraction of whole numbers."""
    one, other = step.inputs[:2]
    assert one is not None and other is not None
    if isinstance(one, Laid) and _changes_nothing(one, other, 1):
        return one
    if isinstance(other, np.ndarray) and other.dtype.kind == "f" and np.all(other != 0):
        inverse = (1.0 / other.astype(np.float64)).astype(np.float32)
        both = together(step, (one, inverse))
        return both.made(
            step.op(step.ops.multiply, *both.operands), nonnegative=_never_below_zero(one) and bool(np.all(other > 0))
        )
    both = together(step, (one, other))
    dtype = next(part.dtype for part in (one, other) if isinstance(part, Laid))
    made = step.op(step.ops.divide, *both.operands)
    if not dtype.startswith("float"):
        made = step.op(step.ops.cast, step.op(step.ops.trunc, made, suffix="trunc"), dtype, suffix="cast")
    return both.made(made)


@builds("Pow")
def power(step: Step) -> Laid:
    """A power: a square, a root or a product where the exponent is one of these."""
    base, exponent = step.inputs[:2]
    assert base is not None and exponent is not None
    known = exponent.reshape(-1)[0].item() if isinstance(exponent, np.ndarray) and exponent.size == 1 else None
    if isinstance(base, Laid) and known in (1, 2, 0.5) and exponent.ndim <= base.rank:  # type: ignore[union-attr]
        if known == 1:
            return base
        function = step.ops.square if known == 2 else step.ops.sqrt
        return over(base, step.op(function, base.tensor), True)
    both = together(step, (base, exponent))
    dtype = base.dtype if isinstance(base, Laid) else keras_dtype(str(base.dtype))
    operands = (
        [_in_float(step, part) for part in both.operands] if not dtype.startswith("float") else list(both.operands)
    )
    others = [
        part if not hasattr(part, "dtype") or str(part.dtype) == "float32" else _in_float(step, part)
        for part in operands
    ]
    made = step.op(step.ops.power, *others)
    if not dtype.startswith("float"):
        made = step.op(step.ops.cast, step.op(step.ops.round, made, suffix="round"), dtype, suffix="cast")
    return both.made(made)


def _in_float(step: Step, part: Any) -> Any:
    if isinstance(part, np.ndarray | int | float):
        return np.asarray(part, np.float32) if isinstance(part, np.ndarray) else float(part)
    return step.op(step.ops.cast, part, "float32", suffix="float")


@builds("Mod")
def modulo(step: Step) -> Laid:
    """A remainder with the divisor's sign, or with the dividend's where `fmod` is set."""
    one, other = step.inputs[:2]
    assert one is not None and other is not None
    both = together(step, (one, other))
    if not step.node.integer("fmod", 0):
        return both.made(step.op(step.ops.mod, *both.operands))
    ops, (left, right) = step.ops, both.operands
    whole = step.op(ops.trunc, step.op(ops.divide, left, right, suffix="ratio"), suffix="whole")
    if not str(next(part.dtype for part in (one, other))).startswith("float"):
        whole = step.op(ops.cast, whole, "int32", suffix="cast")
    return both.made(step.op(ops.subtract, left, step.op(ops.multiply, whole, right, suffix="product")))


@builds(*COMPARED)
def compared(step: Step) -> Laid:
    """A comparison or a logical operator."""
    one, other = step.inputs[:2]
    assert one is not None and other is not None
    both = together(step, (one, other))
    return both.made(step.op(step.operation(COMPARED[step.node.operator]), *both.operands))


@builds("Where")
def where(step: Step) -> Laid:
    """A choice between two operands."""
    operands = [one for one in step.inputs if one is not None]
    if isinstance(operands[0], np.ndarray) and operands[0].dtype != bool:
        raise CannotExpress("a condition that is no truth value")
    three = together(step, operands)
    dtype = next((one.dtype for one in operands[1:] if isinstance(one, Laid)), None)
    parts = [_of_dtype(part, dtype) for part in three.operands[1:]]
    if dtype is None:
        parts = [np.asarray(part, keras_dtype(str(one.dtype))) for part, one in zip(parts, operands[1:], strict=True)]
    return three.made(step.op(step.ops.where, three.operands[0], *parts))


def _of_dtype(part: Any, dtype: str | None) -> Any:
    """A constant in a tensor's dtype: Keras would widen the result else."""
    return part if dtype is None or not isinstance(part, np.ndarray | int | float) else np.asarray(part, dtype)
