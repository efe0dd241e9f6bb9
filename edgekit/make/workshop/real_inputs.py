"""Lets a model take its 8-bit integer inputs (pixels) as real numbers while it is converted.

A model that takes uint8 begins with a cast to float. No integer converter removes that: the file keeps a CAST and a
float tensor at its beginning, which tflite-micro does not run. Given the same values as floats the cast does nothing, and
the converter quantizes the input like any other tensor. Inputs that are indices (for an embedding) are unchanged.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from edgekit.make.workshop.door import Door

EQUAL = 1e-5
"""Largest allowed difference of the outputs, relative to the largest output: an integer division gives a larger one."""


@contextlib.contextmanager
def real_inputs(tools: Door, model: Any, sample: list[np.ndarray]) -> Iterator[list[Any]]:
    """Within the block, the model may be called with float32 for its 8-bit inputs; yields the dtypes to give, input by input.

    A dtype is the model's own if the input is not an 8-bit integer, if no gradient reaches it (it is an index), or if
    the outputs for `sample` (one sample, an array an input) would change.
    """
    own = [tensor.dtype for tensor in model.inputs]
    given = [tools.tf.float32 if dtype in (tools.tf.uint8, tools.tf.int8) else dtype for dtype in own]
    if given == own:
        yield own
        return
    with _without_input_cast(tools, model):
        alike = _answers_alike(tools, model, sample, given)
        if alike:
            yield given
    if not alike:
        yield own


@contextlib.contextmanager
def _without_input_cast(tools: Door, model: Any) -> Iterator[None]:
    """Within the block, a functional model does not cast floats given for its 8-bit inputs to integers."""
    functional = tools.keras.src.engine.functional.Functional
    conform = functional._conform_to_reference_input

    def kept(self: Any, tensor: Any, ref_input: Any) -> Any:
        is_real = ref_input.dtype.is_integer and ref_input.dtype.size == 1 and tensor.dtype.is_floating
        return tensor if is_real else conform(self, tensor, ref_input)

    functional._conform_to_reference_input = kept
    try:
        yield
    finally:
        functional._conform_to_reference_input = conform


def _answers_alike(tools: Door, model: Any, sample: list[np.ndarray], given: list[Any]) -> bool:
    """Whether the model gives the same outputs for real numbers as for integers, and computes with them."""
    tf = tools.tf
    real = [tf.constant(array, dtype) for array, dtype in zip(sample, given, strict=True)]
    whole = [tf.constant(array, tensor.dtype) for array, tensor in zip(sample, model.inputs, strict=True)]
    changed = [array for array, tensor in zip(real, model.inputs, strict=True) if array.dtype != tensor.dtype]
    try:
        with tf.GradientTape() as tape:
            tape.watch(changed)
            answers = tf.nest.flatten(_call(model, real))
        slopes = tape.gradient(answers, changed)
    except (TypeError, ValueError, tf.errors.InvalidArgumentError):  # a layer that takes only integers
        return False
    pairs = zip(answers, tf.nest.flatten(_call(model, whole)), strict=True)
    return all(slope is not None for slope in slopes) and all(_close(*pair) for pair in pairs)


def _call(model: Any, tensors: list[Any]) -> Any:
    return model(tensors[0] if len(tensors) == 1 else tensors, training=False)


def _close(one: Any, other: Any) -> bool:
    a, b = (np.asarray(each, np.float64) for each in (one, other))
    return a.shape == b.shape and bool(np.abs(a - b).max(initial=0.0) <= EQUAL * max(1e-6, np.abs(b).max(initial=0.0)))
