"""Operations that Keras 3 writes in TensorFlow operators which TFLite lacks: written otherwise while a model is converted.

`argmax` and `argmin` tell -0.0 from 0.0 by its bits, which no TFLite operator does. Negation and squares have no int8 kernel, and are
products. The values stay the same, but for which of two zeros is the larger.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from edgekit.make.workshop.answers import is_keras3
from edgekit.make.workshop.door import Door


@contextlib.contextmanager
def plain_operators(tools: Door, model: Any, *, integer: bool) -> Iterator[None]:
    """Within the block, calling a model of Keras 3 gives operators that TFLite has, if `integer` such that have int8 kernels."""
    if not is_keras3(model):
        yield
        return
    numpy = tools.keras3.src.backend.numpy
    plain = _arguments(tools) | (_products(tools, numpy) if integer else {})
    before = {name: getattr(numpy, name) for name in plain}
    for name, function in plain.items():
        setattr(numpy, name, function)
    try:
        yield
    finally:
        for name, function in before.items():
            setattr(numpy, name, function)


def _arguments(tools: Door) -> dict[str, Any]:
    tf = tools.tf

    def plainly(function: Any) -> Any:
        def found(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
            x = tf.convert_to_tensor(x)
            y = function(tf.reshape(x, [-1]) if axis is None else x, axis=axis or 0, output_type=tf.int32)
            if not keepdims:
                return y
            return tf.reshape(y, [1] * len(x.shape)) if axis is None else tf.expand_dims(y, axis)

        return found

    return {"argmax": plainly(tf.argmax), "argmin": plainly(tf.argmin)}


def _products(tools: Door, numpy: Any) -> dict[str, Any]:
    tf, negative, square = tools.tf, numpy.negative, numpy.square

    def negated(x: Any) -> Any:
        x = tf.convert_to_tensor(x)
        return x * -1.0 if x.dtype.is_floating else negative(x)

    def squared(x: Any) -> Any:
        x = tf.convert_to_tensor(x)
        return x * x if x.dtype.is_floating else square(x)

    return {"negative": negated, "square": squared}
