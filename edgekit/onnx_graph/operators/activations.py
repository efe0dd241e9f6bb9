"""Activations: functions of each number alone that Keras has a layer or an activation for."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from edgekit.onnx_graph.broadcast import arranged_constant, raised
from edgekit.onnx_graph.layout import Laid
from edgekit.onnx_graph.operators.registry import builds
from edgekit.onnx_graph.step import CannotExpress, Step, over

NAMED = {
    "Sigmoid": ("sigmoid", True), "Tanh": ("tanh", False), "Softplus": ("softplus", True), "Softsign": ("softsign", False),
    "HardSwish": ("hard_silu", False), "Mish": ("mish", False),
}  # fmt: skip
"""Keras's name of an activation, and whether its result is never below zero."""
SELU = (1.6732632423543772, 1.0507009873554805)


@builds(*NAMED)
def named(step: Step) -> Laid:
    """An activation without settings."""
    name, nonnegative = NAMED[step.node.operator]
    return step.activation(name, step.laid(), nonnegative=nonnegative)


@builds("Relu")
def relu(step: Step) -> Laid:
    """A `ReLU` layer."""
    given = step.laid()
    return over(given, step.layer("ReLU")(given.tensor), True)


@builds("Clip")
def clip(step: Step) -> Laid:
    """A `ReLU` layer where the lower end is zero, else a clip."""
    given = step.laid()
    low, high = _limit(step, "min", 1), _limit(step, "max", 2)
    if given.dtype == "float32" and low == 0:
        return over(given, step.layer("ReLU", **({} if high is None else {"max_value": high}))(given.tensor), True)
    nonnegative = low is not None and low >= 0
    if low is not None and high is not None:
        made = (
            step.op(step.ops.minimum, given.tensor, high)
            if low > high
            else step.op(step.ops.clip, given.tensor, low, high)
        )
        made = step.op(step.ops.clip, given.tensor, high, high) if low > high else made
    elif low is not None:
        made = step.op(step.ops.maximum, given.tensor, low)
    elif high is not None:
        made = step.op(step.ops.minimum, given.tensor, high)
    else:
        return given
    return over(given, made, nonnegative or given.nonnegative)


def _limit(step: Step, name: str, index: int) -> Any:
    """An end of a `Clip`: an attribute before opset 11, then an input; None where it is open."""
    if step.opset < 11:
        found = step.node.attributes.get(name)
        return None if found is None or abs(float(found)) > 3e38 else float(found)
    array = step.constant(index)
    if array is None:
        return None
    if array.size != 1:
        raise CannotExpress("limits that are no single numbers")
    value = array.reshape(-1)[0].item()
    return None if isinstance(value, float) and abs(value) > 3e38 else value


@builds("LeakyRelu")
def leaky_relu(step: Step) -> Laid:
    """A `LeakyReLU` layer."""
    given = step.laid()
    return over(given, step.layer("LeakyReLU", negative_slope=step.node.number("alpha", 0.01))(given.tensor))


@builds("Elu", "Celu")
def elu(step: Step) -> Laid:
    """An `ELU` layer; a `Celu` whose alpha is not 1 scales its input too."""
    given, alpha = step.laid(), step.node.number("alpha", 1.0)
    if step.node.operator == "Elu" or alpha == 1:
        return over(given, step.layer("ELU", alpha=alpha)(given.tensor))
    return over(given, step.op(step.ops.celu, given.tensor, alpha=alpha))


@builds("Selu")
def selu(step: Step) -> Laid:
    """Keras's `selu` where the constants are the usual ones, else a scaled `ELU`."""
    given = step.laid()
    alpha, gamma = step.node.number("alpha", SELU[0]), step.node.number("gamma", SELU[1])
    if math.isclose(alpha, SELU[0], rel_tol=1e-5) and math.isclose(gamma, SELU[1], rel_tol=1e-5):
        return step.activation("selu", given)
    return over(given, step.op(step.ops.multiply, step.layer("ELU", alpha=alpha)(given.tensor), gamma, suffix="scale"))


@builds("HardSigmoid")
def hard_sigmoid(step: Step) -> Laid:
    """Keras's `hard_sigmoid` where the slope is 1/6, else a clipped line: ONNX's default slope is 0.2."""
    given = step.laid()
    alpha, beta = step.node.number("alpha", 0.2), step.node.number("beta", 0.5)
    if math.isclose(alpha, 1 / 6, rel_tol=1e-4) and beta == 0.5:
        return step.activation("hard_sigmoid", given, nonnegative=True)
    line = step.op(step.ops.add, step.op(step.ops.multiply, given.tensor, alpha, suffix="slope"), beta, suffix="offset")
    return over(given, step.op(step.ops.clip, line, 0.0, 1.0), True)


@builds("Gelu")
def gelu(step: Step) -> Laid:
    """Keras's `gelu`, exact or by tanh."""
    given = step.laid()
    if step.node.text("approximate", "none") == "none":
        return step.activation("gelu", given)
    return over(given, step.op(step.ops.gelu, given.tensor, approximate=True))


@builds("Swish")
def swish(step: Step) -> Laid:
    """Keras's `silu`; another slope than 1 by a sigmoid."""
    given, alpha = step.laid(), step.node.number("alpha", 1.0)
    if alpha == 1:
        return step.activation("silu", given)
    scaled = step.op(step.ops.multiply, given.tensor, alpha, suffix="slope")
    gate = step.layer("Activation", "sigmoid", suffix="gate")(scaled)
    return over(given, step.layer("Multiply")([given.tensor, gate]))


@builds("PRelu")
def prelu(step: Step) -> Laid:
    """A `PReLU` layer with a slope a channel, or one for all."""
    given, slope = step.laid(), step.wanted(1)
    if slope.ndim == 1 and given.rank > 2 and slope.size == given.shape[1] > 1 and slope.size != given.shape[-1]:
        slope = slope.reshape(-1, *(1,) * (given.rank - 2))  # a slope a channel, as opset 6 had it
    given = _opened(step, given, slope)
    moved = np.asarray(arranged_constant(slope, given.onnx, given.keras), np.float32)
    sizes = tuple(given.tensor.shape)[1:]
    moved = raised(moved, len(sizes))
    shared = [axis + 1 for axis in range(moved.ndim) if moved.shape[axis] == 1]
    layer = step.layer("PReLU", shared_axes=shared or None, weights=[moved])
    return over(given, layer(given.tensor))


def _opened(step: Step, given: Laid, slope: np.ndarray) -> Laid:
    """The tensor with whole ONNX axes, where the slope has some parts of a Keras axis and not others."""
    shape = (1,) * (given.rank - slope.ndim) + slope.shape
    has = {atom for axis, size in zip(given.onnx, shape, strict=True) if size > 1 for atom in axis}
    if all(set(axis) <= has or not set(axis) & has for axis in given.keras):
        return given
    return step.whole(given)[0]


@builds("ThresholdedRelu")
def thresholded_relu(step: Step) -> Laid:
    """Numbers above a threshold, else zero."""
    given, alpha = step.laid(), step.node.number("alpha", 1.0)
    above = step.op(step.ops.greater, given.tensor, alpha, suffix="above")
    return over(given, step.op(step.ops.where, above, given.tensor, 0.0), alpha >= 0)


@builds("Shrink")
def shrink(step: Step) -> Laid:
    """Numbers near zero made zero, others moved towards it."""
    given = step.laid()
    bias, bound = step.node.number("bias", 0.0), step.node.number("lambd", 0.5)
    ops = step.ops
    low = step.op(
        ops.where, step.op(ops.less, given.tensor, -bound, suffix="low"), step.op(ops.add, given.tensor, bias), 0.0
    )
    high = step.op(ops.where, step.op(ops.greater, given.tensor, bound), step.op(ops.subtract, given.tensor, bias), 0.0)
    return over(given, step.op(ops.add, low, high))
