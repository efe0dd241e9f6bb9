"""Data for an imported model: random samples in the shapes of its inputs, the first one that of the makers where they say what it must answer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edgekit.documents.facts import TensorFacts
from edgekit.onnx_graph.compare import relative_error

SAMPLES = 8


def samples(inputs: Sequence[TensorFacts], *, first: bool) -> list[np.ndarray]:
    """An array for each input, samples first; with `first`, the first sample is that of the runner of ONNX's own tests.

    Samples differ in contrast, so that a model's answers vary with them.
    """
    generator = np.random.default_rng(0)
    arrays = [_random(generator, one) for one in inputs]
    for one, array in zip(inputs, arrays, strict=True):
        if first:
            array[0] = _counting(one)
    return arrays


def apart(answers: Sequence[np.ndarray], outputs: Sequence[TensorFacts], expected: Sequence[Path]) -> float:
    """The largest relative error of the first sample's answers from the outputs in files (`TensorProto`)."""
    return max(
        relative_error(answer[:1], _moved(_array_in(path), tensor))
        for answer, tensor, path in zip(answers, outputs, expected, strict=True)
    )


def _random(generator: np.random.Generator, one: TensorFacts) -> np.ndarray:
    shape = (SAMPLES, *(size or 1 for size in one.shape))
    if not one.dtype.startswith("float"):
        return generator.integers(0, 2, shape).astype(one.dtype)
    contrast = np.linspace(0.3, 1.0, SAMPLES).reshape(-1, *[1] * len(one.shape))
    return (generator.uniform(-1, 1, shape) * contrast).astype(np.float32)


def _counting(one: TensorFacts) -> np.ndarray:
    """`onnx.backend.test.runner.Runner.generate_dummy_data`: numbers that count up to 1, in ONNX's order."""
    shape = tuple(size or 1 for size in one.onnx_shape)
    count = math.prod(shape)
    found = (np.arange(count).reshape(shape) / count).astype(np.float32)
    return found.transpose(one.onnx_axes) if one.onnx_axes else found


def _array_in(path: Path) -> np.ndarray:
    import onnx

    return np.asarray(onnx.numpy_helper.to_array(onnx.TensorProto.FromString(path.read_bytes())))


def _moved(array: np.ndarray, tensor: TensorFacts) -> np.ndarray:
    """An output of batch 1 in the order of the axes that the Keras model has."""
    return array.transpose(0, *(1 + axis for axis in tensor.onnx_axes)) if tensor.onnx_axes else array
