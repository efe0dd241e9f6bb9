"""Whether a normalised model answers as the original does: on random input, and where that is not in its domain on positive input."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgekit.errors import ModelError
from edgekit.keras_graph.call_graph import as_given, calls, dtype_name, flat, graph_of, inner_graph, structures
from edgekit.make.workshop.answers import answers, is_keras3
from edgekit.make.workshop.door import Door
from edgekit.make.workshop.stateless import reset_states

TOLERANCE = 1e-5
COMPARED_SAMPLES = 4
LARGE = {1: 40, 2: 128}
LARGE_VOLUME, SMALL = 32, 8
"""What free dimensions are tried with, by their number: valid convolutions leave nothing of a small one, and what TensorFlow makes of nothing is no
answer; tables of positions end before a large one."""
LOWEST = (-1.0, 0.0)
"""Random input is from here to 1: a logarithm is not defined below zero."""


def compare(tools: Door, model: Any, made: Any, where: str) -> float:
    """Largest difference of the outputs on random input, relative to the largest output, below `TOLERANCE`.

    Raises `ModelError` that names the first layer which differs, and if the model gives no number at all on any input that was tried.
    """
    for samples in _tries(made, _batch(model)):
        theirs = _answered(model, samples)
        if isinstance(theirs, list) and all(part.size and np.isfinite(part).all() for part in theirs):
            break
    else:
        if isinstance(theirs, Exception):
            raise ModelError(
                "the model cannot be called", where=where, received=f"{type(theirs).__name__}: {theirs}"[:400],
                next_step="call it once on a batch of samples where it is made, and mend what fails there",
            ) from theirs  # fmt: skip
        raise ModelError(
            "the model gives no finite numbers on random input", where=where,
            received=f"inputs from {LOWEST[0]:g} or {LOWEST[-1]:g} to 1",
            next_step="look for a division by zero or a logarithm in the model, or for an input that must have another range",
        )  # fmt: skip
    ours = [np.asarray(part, np.float64) for part in answers(made, samples)]
    error = max(_relative(a, b) for a, b in zip(ours, theirs, strict=True))
    if not error < TOLERANCE:
        raise ModelError(
            f"rebuilt for {'Keras 3' if is_keras3(made) else 'tf_keras'}, the model answers differently; "
            f"{_first_different(tools, model, made, samples)}",
            where=where,
            received=f"relative error {error:.2g} on random input",
            allowed=f"below {TOLERANCE:g}",
            next_step="replace the layer",
        )
    return error


def _answered(model: Any, samples: list[np.ndarray]) -> list[np.ndarray] | Exception:
    """The original's answers; the error where it takes no input of that size."""
    try:
        reset_states(model)
        return [np.asarray(part, np.float64) for part in answers(model, samples)]
    except Exception as problem:  # TensorFlow's errors, and whatever a user's own layer raises
        return problem


def _batch(model: Any) -> int:
    """The number of samples that a model takes: its own where its batch is fixed."""
    fixed = [tensor.shape[0] for tensor in getattr(model, "inputs", None) or () if tensor.shape]
    return next((int(size) for size in fixed if size is not None), COMPARED_SAMPLES)


def _tries(model: Any, batch: int) -> Iterator[list[np.ndarray]]:
    """Random inputs of a model, the usual ones first."""
    free = max(sum(size is None for size in tensor.shape[1:]) for tensor in model.inputs)
    for size in (LARGE.get(free, LARGE_VOLUME), SMALL) if free else (SMALL,):
        for lowest in LOWEST:
            generator = np.random.default_rng(0)
            yield [_random(generator, tensor, batch, size, lowest) for tensor in model.inputs]


def _random(generator: np.random.Generator, tensor: Any, batch: int, size: int, lowest: float) -> np.ndarray:
    """Random input with the shape of a model's input."""
    shape = (batch, *(size if known is None else known for known in tensor.shape[1:]))
    dtype = dtype_name(tensor)
    if "int" in dtype or dtype == "bool":
        return generator.integers(0, 2, shape).astype(dtype)
    return generator.uniform(lowest, 1, shape).astype(dtype)


def _relative(ours: np.ndarray, theirs: np.ndarray) -> float:
    if ours.shape != theirs.shape:
        return float("inf")
    return float(np.abs(ours - theirs).max() / max(float(np.abs(theirs).max()), 1e-12))


def _first_different(tools: Door, model: Any, made: Any, samples: list[np.ndarray]) -> str:
    """The first layer whose outputs differ, found by comparing layers of the same name."""
    if inner_graph(model) is None:
        return "it is not known where"
    graph = graph_of(model, "")
    theirs_of = tools.keras.Model if isinstance(model, tools.keras.Model) else tools.keras3.Model
    ours_of = tools.keras3.Model if is_keras3(made) else tools.keras.Model
    outputs = {operation.name: produced for operation, _, _, produced in calls(graph_of(made, ""))}
    for operation, _, _, produced in calls(graph):
        if operation.name not in outputs or len(flat(produced)) != 1 or len(flat(outputs[operation.name])) != 1:
            continue
        reset_states(model)
        theirs = answers(theirs_of(as_given(structures(graph)[0], flat(graph.inputs)), flat(produced)[0]), samples)
        ours = answers(ours_of(made.inputs, flat(outputs[operation.name])[0]), samples)
        pairs = zip(ours, theirs, strict=True)
        if not all(_relative(np.asarray(a), np.asarray(b)) < TOLERANCE for a, b in pairs):
            return f"layer {operation.name!r} of type {type(operation).__name__} is the first to differ"
    return "no single layer differs"
