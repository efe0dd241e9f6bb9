"""Operations that Keras 3 writes in TensorFlow operators which TFLite lacks: written otherwise while a model is converted.

`argmax` and `argmin` tell -0.0 from 0.0 by its bits, which no TFLite operator does. Negation and squares have no int8 kernel, and are
products. The values stay the same, but for which of two zeros is the larger.
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
    tf, numpy, nn = tools.tf, tools.keras3.src.backend.numpy, tools.keras3.src.backend.nn
    smooth, math = nn.gelu, importlib.import_module("tensorflow.python.ops.math_ops")
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

    def gelu(x: Any, approximate: bool = True) -> Any:
        """The exact one as TensorFlow writes it, for the converter knows it by its negation."""
        x = tf.convert_to_tensor(x)
        if approximate:
            return smooth(x, approximate=True)
        return 0.5 * x * tf.math.erfc(tf.negative(x) * tf.cast(0.5**0.5, x.dtype))

    return [
        (nn, "gelu", gelu),
        (numpy, "negative", negated),
        (numpy, "square", squared),
        (tf.Tensor, "__neg__", lambda x: x * -1.0 if x.dtype.is_floating else minus(x)),
        (math, "squared_difference", squared_difference),
    ]
