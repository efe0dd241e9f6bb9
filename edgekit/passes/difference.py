"""How far two answers of one model are apart, where a NaN that both give is no difference; and how far rounding alone would move them."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from edgekit.keras_graph.flat_graph import FlatGraph, run_graph

STEP = 2.0**-23
"""A step of float32, relative."""
TIMES = 3
"""So often the outputs are computed with other roundings."""


def difference(ours: Any, theirs: Any) -> float:
    """The largest difference, relative to the largest finite number of `theirs`; infinite where only one gives a number, or a shape differs."""
    ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    if ours.shape != theirs.shape:
        return float("inf")
    finite = np.isfinite(theirs)
    alike = (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))
    if not (np.isfinite(ours) | alike)[finite].all() or not alike[~finite].all():
        return float("inf")
    apart = np.abs(ours[finite] - theirs[finite]).max(initial=0.0)
    return float(apart / max(float(np.abs(theirs[finite]).max(initial=0.0)), 1e-12))


def rounding(tools: Any, graph: FlatGraph, samples: Sequence[np.ndarray]) -> list[float]:
    """How far each output of a graph moves, as `difference` has it, when each call's result is rounded otherwise.

    Each number moves by at most a step of the largest of its tensor, up or down, and what is computed from it moves too: that grows with
    the depth of a model and with the magnitudes within it, as float32's rounding does (Monte Carlo arithmetic, D. S. Parker, 1997).
    """
    exact = [np.asarray(part) for part in run_graph(graph, samples)]
    moved = [0.0] * len(exact)
    for seed in range(TIMES):
        generator = np.random.default_rng(seed)
        found = run_graph(graph, samples, changed=functools.partial(_rounded, tools, generator))
        finite = [(np.where(np.isfinite(a), a, b), b) for a, b in zip(map(np.asarray, found), exact, strict=True)]
        moved = [max(before, difference(*pair)) for before, pair in zip(moved, finite, strict=True)]
    return moved


def _rounded(tools: Any, generator: np.random.Generator, result: Any) -> Any:
    array = np.asarray(result)
    if array.dtype != np.float32 or not array.size:
        return result
    largest = np.abs(array, where=np.isfinite(array), out=np.zeros_like(array)).max()
    return tools.tf.constant(array + (largest * STEP * generator.uniform(-1, 1, array.shape)).astype(np.float32))
