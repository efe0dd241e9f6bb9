"""Random samples that a graph may be tried on: the widest first, since what an input may hold is not known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from edgekit.keras_graph.flat_graph import Value

Samples = list[np.ndarray]
COUNT = 2
"""Of one sample alone, a batch that was taken for another dimension would not show."""
FREE = {1: 40, 2: 64}
FREE_VOLUME = 24
"""Sizes of free dimensions, by their number: a few valid convolutions and pools leave something of them."""
LOWEST = (-1.0, 0.0)
"""Random input is from here to 1: a logarithm is not defined below zero."""
INTEGERS = (256, 2)
"""Integers are from 0 to below this: pixels, else an index that every table has."""


def random_samples(inputs: Sequence[Value]) -> Iterator[Samples]:
    """Batches of `COUNT` samples, always the same ones."""
    for below in INTEGERS if any("int" in value.dtype for value in inputs) else INTEGERS[-1:]:
        for lowest in LOWEST:
            generator = np.random.default_rng(0)
            samples = [_sample(generator, value, lowest, below) for value in inputs]
            yield [_padded(array) for array in samples]
            yield samples


def _padded(array: np.ndarray) -> np.ndarray:
    """The samples, the last of which ends in zeros: what a mask hides shows."""
    if array.ndim > 1 and array.shape[1] > 2:
        array = array.copy()
        array[-1, -(array.shape[1] // 3) :] = 0
    return array


def _sample(generator: np.random.Generator, value: Value, lowest: float, below: int) -> np.ndarray:
    free = FREE.get(sum(size is None for size in value.shape), FREE_VOLUME)
    shape = (COUNT, *(free if size is None else size for size in value.shape))
    if value.dtype == "bool":
        return generator.integers(0, 2, shape).astype(bool)
    if "int" in value.dtype:
        return generator.integers(0, min(below, np.iinfo(value.dtype).max), shape).astype(value.dtype)
    return generator.uniform(lowest, 1, shape).astype(value.dtype)
