"""Random samples that a graph may be tried on: in its domain where its use tells it, else the widest first."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from edgekit.keras_graph.flat_graph import FlatGraph, Value
from edgekit.passes.domain import Domain, domains

Samples = list[np.ndarray]
COUNT = 2
"""Of one sample alone, a batch that was taken for another dimension would not show."""
LARGE = {1: 40, 2: 128}
LARGE_VOLUME, SMALL = 32, 8
"""What free dimensions are tried with, by their number: valid convolutions leave nothing of a small one, and what TensorFlow makes of nothing is no
answer; tables of positions end before a large one."""
ENDS = ((-1.0, 1.0), (0.0, 1.0), (1.0, 2.0))
"""What numbers of unknown domain are between: a logarithm is not defined below zero, nor one of a logarithm below one."""
INTEGERS = (256, 2)
"""Integers are from 0 to below this: pixels, else an index that every table has."""


class Tried(NamedTuple):
    """Samples, and what was answered; `is_finite` tells whether all of that is, `is_number` whether any of it."""

    samples: Samples
    outputs: list[np.ndarray]

    @property
    def is_finite(self) -> bool:
        """Whether there is no NaN and nothing infinite."""
        return all(part.size and np.isfinite(part).all() for part in self.outputs)

    @property
    def share(self) -> float:
        """The share of the outputs that are finite numbers, 0 to 1."""
        finite, size = (
            sum(counts) for counts in zip(*((np.isfinite(p).sum(), p.size) for p in self.outputs), strict=True)
        )
        return float(finite / size) if size else 0.0


def tried(graph: FlatGraph, answers: Callable[[Samples], list[Any]], count: int = COUNT) -> Tried | None:
    """The first samples that are answered with finite numbers alone, else those with most of them; None where none are taken at all."""
    best: Tried | None = None
    for samples in random_samples(graph, count):
        outputs = answered(answers, samples)
        if outputs is None:
            continue
        found = Tried(samples, outputs)
        if found.is_finite:
            return found
        if best is None or found.share > best.share:
            best = found
    return best


def answered(answers: Callable[[Samples], list[Any]], samples: Samples) -> list[np.ndarray] | None:
    """The outputs for samples, float64; None where they are not taken."""
    try:
        return [np.asarray(part, np.float64) for part in answers(samples)]
    except Exception:  # TensorFlow's errors, and whatever a user's own layer raises
        return None


def random_samples(graph: FlatGraph, count: int = COUNT) -> Iterator[Samples]:
    """Batches of `count` samples, always the same ones; none for inputs of text."""
    inputs, known = graph.inputs, domains(graph)
    if any(value.dtype == "string" for value in inputs):
        return
    free = max((sum(size is None for size in value.shape) for value in inputs), default=0)
    sizes = (LARGE.get(free, LARGE_VOLUME), SMALL) if free else (SMALL,)
    unknown = [value for value in inputs if value not in known]
    has_integers = any("int" in value.dtype for value in unknown)
    has_numbers = any("float" in value.dtype for value in unknown)
    for size, below, ends in itertools.product(
        sizes, INTEGERS if has_integers else INTEGERS[-1:], ENDS if has_numbers else ENDS[:1]
    ):
        generator = np.random.default_rng(0)
        samples = [_sample(generator, value, count, known.get(value), size, Domain(*ends), below) for value in inputs]
        yield [_padded(array) for array in samples]
        yield samples


def _padded(array: np.ndarray) -> np.ndarray:
    """The samples, the last of which ends in zeros: what a mask hides shows."""
    if array.ndim > 1 and array.shape[1] > 2:
        array = array.copy()
        array[-1, -(array.shape[1] // 3) :] = 0
    return array


def _sample(
    generator: np.random.Generator,
    value: Value,
    count: int,
    known: Domain | None,
    free: int,
    ends: Domain,
    below: int,
) -> np.ndarray:
    shape = (count, *(free if size is None else size for size in value.shape))
    if value.dtype == "bool":
        return generator.integers(0, 2, shape).astype(bool)
    if known is not None and known.is_index:
        return generator.integers(0, known.high + 1, shape).astype(value.dtype)
    if "int" in value.dtype:
        most = np.iinfo(value.dtype).max
        if known is not None:
            below = int(np.clip(np.max(known.high) + 1, 1, most))
        return generator.integers(0, min(below, most), shape).astype(value.dtype)
    domain = known or ends
    return generator.uniform(domain.low, domain.high, shape).astype(value.dtype)
