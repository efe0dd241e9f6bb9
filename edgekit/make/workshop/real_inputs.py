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

from edgekit.make.workshop.answers import answers, input_types, is_keras3
from edgekit.make.workshop.door import Door

EQUAL = 1e-5
"""Largest allowed difference of the outputs, relative to the largest output: an integer division gives a larger one."""


@contextlib.contextmanager
def real_inputs(tools: Door, model: Any, sample: list[np.ndarray]) -> Iterator[list[Any]]:
    """Within the block, the model may be called with float32 for its 8-bit inputs; yields the dtypes to give, input by input.

    A dtype is the model's own if the input is not an 8-bit integer, if no gradient reaches it (it is an index), or if
    the outputs for `sample` (one sample, an array an input) would change.
    """
    own = input_types(tools, model)
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
    if is_keras3(model):
        with _without_keras3_cast(model):
            yield
        return
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


@contextlib.contextmanager
def _without_keras3_cast(model: Any) -> Iterator[None]:
    """The same for a model of Keras 3, which converts its inputs to their dtypes."""

    def kept(flat_inputs: Any) -> Any:
        pairs = zip(flat_inputs, convert(flat_inputs), strict=True)
        return [given if given.dtype.is_floating and "int8" in str(made.dtype.name) else made for given, made in pairs]

    convert = model._convert_inputs_to_tensors
    model._convert_inputs_to_tensors = kept
    try:
        yield
    finally:
        del model._convert_inputs_to_tensors


def _answers_alike(tools: Door, model: Any, sample: list[np.ndarray], given: list[Any]) -> bool:
    """Whether the model gives the same outputs for real numbers as for integers, and computes with them."""
    tf = tools.tf
    real = [tf.constant(array, dtype) for array, dtype in zip(sample, given, strict=True)]
    whole = [tf.constant(array, dtype) for array, dtype in zip(sample, input_types(tools, model), strict=True)]
    changed = [array for array, other in zip(real, whole, strict=True) if array.dtype != other.dtype]
    try:
        with tf.GradientTape() as tape:
            tape.watch(changed)
            ours = answers(model, real)
        slopes = tape.gradient(ours, changed)
    except (TypeError, ValueError, tf.errors.InvalidArgumentError):  # a layer that takes only integers
        return False
    pairs = zip(ours, answers(model, whole), strict=True)
    return all(slope is not None for slope in slopes) and all(_close(*pair) for pair in pairs)


def _close(one: Any, other: Any) -> bool:
    a, b = (np.asarray(each, np.float64) for each in (one, other))
    return a.shape == b.shape and bool(np.abs(a - b).max(initial=0.0) <= EQUAL * max(1e-6, np.abs(b).max(initial=0.0)))
