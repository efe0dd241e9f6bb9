"""Operations that Keras 3 writes in TensorFlow operators which TFLite lacks: written otherwise while a model is converted.

`argmax` and `argmin` tell -0.0 from 0.0 by its bits, which no TFLite operator does. Negation and squares have no int8 kernel, and are
products; `not_equal`, which the quantizer leaves in float, is a difference above zero. The values stay the same, but for which of two zeros is the larger.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Collection, Iterator
from typing import Any

from edgekit.make.workshop.answers import is_keras3
from edgekit.make.workshop.door import Door


@contextlib.contextmanager
def plain_operators(tools: Door, model: Any, *, integer: bool, lacking: Collection[str] = ()) -> Iterator[None]:
    """Within the block, calling a model of Keras 3 gives operators that TFLite has, if `integer` such that have integer kernels.

    `lacking` are operators that the conversion's arithmetic has no kernel for.
    """
    if not is_keras3(model):
        yield
        return
    plain = _arguments(tools) + (_products(tools, lacking) if integer else [])
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in plain]
    _set(plain)
    try:
        yield
    finally:
        _set(before)


def _set(functions: list[tuple[Any, str, Any]]) -> None:
    for owner, name, function in functions:
        setattr(owner, name, function)


def _arguments(tools: Door) -> list[tuple[Any, str, Any]]:
    tf, numpy = tools.tf, tools.keras3.src.backend.numpy

    def plainly(function: Any) -> Any:
        def found(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
            x = tf.convert_to_tensor(x)
            y = function(tf.reshape(x, [-1]) if axis is None else x, axis=axis or 0, output_type=tf.int32)
            if not keepdims:
                return y
            return tf.reshape(y, [1] * len(x.shape)) if axis is None else tf.expand_dims(y, axis)

        return found

    return [(numpy, "argmax", plainly(tf.argmax)), (numpy, "argmin", plainly(tf.argmin))]


def _products(tools: Door, lacking: Collection[str]) -> list[tuple[Any, str, Any]]:
    """Also for those that layer and group normalization call in TensorFlow itself."""
    tf, numpy = tools.tf, tools.keras3.src.backend.numpy
    nn, hot = tools.keras3.src.backend.nn, tools.keras3.src.backend.nn.one_hot
    math = importlib.import_module("tensorflow.python.ops.math_ops")
    negative, square, minus, difference = numpy.negative, numpy.square, tf.Tensor.__neg__, math.squared_difference

    def negated(x: Any) -> Any:
        x = tf.convert_to_tensor(x)
        return x * -1.0 if x.dtype.is_floating else negative(x)

    def squared(x: Any) -> Any:
        x = tf.convert_to_tensor(x)
        return x * x if x.dtype.is_floating else square(x)

    def squared_difference(x: Any, y: Any, name: Any = None) -> Any:
        """TFLite has the operator itself up to four dimensions."""
        x = tf.convert_to_tensor(x)
        written_out = len(x.shape) > 4 or "SQUARED_DIFFERENCE" in lacking
        return squared(x - y) if written_out else difference(x, y, name)

    def apart(compare: Any, plainly: Any) -> Any:
        """By the size of the difference: what rounding cannot tell apart is equal, as the value of a mask that no int8 number meets."""

        def compared(x: Any, y: Any) -> Any:
            x, y = tf.convert_to_tensor(x), tf.convert_to_tensor(y)
            floats = x.dtype.is_floating and y.dtype == x.dtype
            return plainly(tf.abs(x - y), 0.0) if floats else compare(x, y)

        return compared

    def one_hot(x: Any, classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False) -> Any:
        """A choice of two numbers: the quantizer gives ONE_HOT's zero another zero point than its output has."""
        dtype = tf.as_dtype(dtype or "float32")
        if axis != -1 or sparse or not dtype.is_floating:
            return hot(x, classes, axis=axis, dtype=dtype.name, sparse=sparse)
        found = tf.equal(tf.expand_dims(tf.cast(x, tf.int32), -1), tf.range(classes))
        return tf.where(found, tf.constant(1.0, dtype), tf.constant(0.0, dtype))

    return [
        (nn, "one_hot", one_hot),
        (numpy, "negative", negated),
        (numpy, "equal", apart(numpy.equal, tf.less_equal)),
        (numpy, "not_equal", apart(numpy.not_equal, tf.greater)),
        (numpy, "square", squared),
        (tf.Tensor, "__neg__", lambda x: x * -1.0 if x.dtype.is_floating else minus(x)),
        (math, "squared_difference", squared_difference),
    ]
