"""An imported model held against onnxruntime: the relative error of its outputs, and the first operator whose result differs."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.onnx_graph.imported import Imported, Inner
from edgekit.onnx_graph.layout import to_onnx
from edgekit.onnx_graph.opened import open_model
from edgekit.onnx_graph.ports import Port
from edgekit.onnx_graph.runtime import open_session, run_session

TOLERANCE = 1e-4
"""The largest relative error in float32: sums in another order differ by about 1e-6 of the largest value a layer."""
OF_HALF_PRECISION = 2e-2
"""The same where the file computes in float16, whose numbers have 11 bits: a rounding of 0.0005 an operator, over some dozens."""
SMALLEST_SHARE = 1e-2
"""Probabilities that are all smaller count as so large: a sigmoid in float32 is right to 1e-7 of 1, and not of its result."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Comparison:
    """`error` is the largest difference of an output over the largest value of that output; `first` names where it begins."""

    error: float
    samples: int
    first: str = ""
    tolerance: float = TOLERANCE

    @property
    def agrees(self) -> bool:
        """Whether the error is within the tolerance; an error that is no number is not."""
        return self.error <= self.tolerance


def compare_with_onnxruntime(path: Path, imported: Imported, samples: Sequence[Mapping[str, np.ndarray]]) -> Comparison:
    """Run both on samples: arrays by the name of the input, each one ONNX tensor of the shape in `imported.inputs` (batch 1).

    Raises `MissingExtraError` without onnxruntime, `ModelError` where that cannot run the file.
    """
    session = open_session(path.as_posix(), str(path))
    error, worst = 0.0, 0
    for index, sample in enumerate(samples):
        names = [port.name for port in imported.outputs]
        wanted = run_session(session, imported.inputs, sample, names, str(path), imported.held)
        made = imported.model(_entering(imported, sample), training=False)
        results = made if isinstance(made, list | tuple) else [made]
        for port, result, expected in zip(imported.outputs, results, wanted, strict=True):
            found = relative_error(port.to_onnx(np.asarray(result)), _first(port, expected))
            if not found <= error:
                error, worst = found, index
    halves = any("float16" in one.type for one in (*session.get_inputs(), *session.get_outputs()))
    compared = Comparison(error=error, samples=len(samples), tolerance=OF_HALF_PRECISION if halves else TOLERANCE)
    if compared.agrees or not samples:
        return compared
    return dataclasses.replace(compared, first=_first_apart(path, imported, samples[worst], compared.tolerance))


def compare_with_answers(
    imported: Imported, inputs: Sequence[np.ndarray], outputs: Sequence[np.ndarray]
) -> Comparison | None:
    """Hold an import against answers that another program gave: of each input and output an array whose rows are whole tensors, in order.

    None where the inputs have other sizes than the import, as where it took those of the data.
    """
    if [array.shape[1:] for array in inputs] != [
        _batched(port, array) for port, array in zip(imported.inputs, inputs, strict=True)
    ]:
        return None
    error = 0.0
    for row in range(len(inputs[0])):
        pairs = zip(imported.inputs, inputs, strict=True)
        made = imported.model([port.to_keras(array[row]).astype(port.dtype) for port, array in pairs], training=False)
        results = made if isinstance(made, list | tuple) else [made]
        for port, result, expected in zip(imported.outputs, results, outputs, strict=True):
            found = relative_error(port.to_onnx(np.asarray(result)), np.asarray(expected[row]))
            error = found if not found <= error else error
    halves = any(array.dtype == np.float16 for array in (*inputs, *outputs))
    return Comparison(error=error, samples=len(inputs[0]), tolerance=OF_HALF_PRECISION if halves else TOLERANCE)


def _batched(port: Port, array: np.ndarray) -> tuple[int, ...]:
    """The shape of an input's tensor with the batch that an array has."""
    batch = port.order[0] if port.has_batch else None
    return tuple(array.shape[1 + axis] if axis == batch else size for axis, size in enumerate(port.shape))


def relative_error(found: np.ndarray, expected: np.ndarray) -> float:
    """The largest difference over the largest size of what is expected; infinite where one of them is no number.

    >>> relative_error(np.array([1.0, 2.0]), np.array([1.0, 2.5]))
    0.2
    """
    if found.shape != expected.shape:
        return float("inf")
    found, expected = found.astype(np.float64), expected.astype(np.float64)
    if not found.size:
        return 0.0
    if not (np.isfinite(found).all() and np.isfinite(expected).all()):
        return 0.0 if np.array_equal(found, expected, equal_nan=True) else float("inf")
    is_share = float(expected.min()) >= 0 and float(expected.max()) <= 1
    size = max(float(np.abs(expected).max()), SMALLEST_SHARE if is_share else 1e-9)
    return float(np.abs(found - expected).max() / size)


def random_samples(imported: Imported, count: int, seed: int = 0) -> list[dict[str, np.ndarray]]:
    """Samples of normal numbers for inputs in float, and of 0 or 1 for others, which every table has."""
    generator = np.random.default_rng(seed)
    return [{port.name: _random(generator, port) for port in imported.inputs} for _ in range(count)]


def _random(generator: np.random.Generator, port: Port) -> np.ndarray:
    if port.dtype.startswith("float"):
        return generator.standard_normal(port.shape).astype(np.float32)
    return generator.integers(0, 2, port.shape).astype(port.dtype)


def _first(port: Port, array: Any) -> np.ndarray:
    """The first sample of a fixed batch."""
    found = np.asarray(array)
    return found[:1] if port.has_batch and found.ndim else found


def _entering(imported: Imported, sample: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    return [port.to_keras(np.asarray(sample[port.name])).astype(port.dtype) for port in imported.inputs]


def _first_apart(path: Path, imported: Imported, sample: Mapping[str, np.ndarray], tolerance: float) -> str:
    """The first operator whose result differs, by its operator and name; empty where only the outputs do."""
    import onnx

    model = open_model(path)
    if model.functions:
        from onnx import inliner

        model = inliner.inline_local_functions(model)
    known = {name for node in model.graph.node for name in node.output}
    inner = [one for one in imported.inner if one.value in known]
    names = list(dict.fromkeys(one.value for one in inner))
    have = {one.name for one in model.graph.output}
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names if name not in have)
    session = open_session(model.SerializeToString(), str(path))
    values = run_session(session, imported.inputs, sample, names, str(path), imported.held)
    wanted = dict(zip(names, values, strict=True))
    for one, array in zip(inner, _inner_arrays(imported, inner, sample), strict=True):
        expected = np.asarray(wanted[one.value])
        if (
            not relative_error(array, expected[: array.shape[0]] if array.ndim == expected.ndim else expected)
            <= tolerance
        ):
            return f"{one.place} (value {one.value!r})"
    return ""


def _inner_arrays(imported: Imported, inner: Sequence[Inner], sample: Mapping[str, np.ndarray]) -> Iterator[np.ndarray]:
    """The same values of the Keras model, in ONNX's layout."""
    kind = type(imported.model)
    tensors = list({id(one.laid.tensor): one.laid.tensor for one in inner}.values())
    made = kind(inputs=imported.model.inputs, outputs=tensors)(_entering(imported, sample), training=False)
    arrays = dict(zip(map(id, tensors), made if isinstance(made, list | tuple) else [made], strict=True))
    return (to_onnx(one.laid, np.asarray(arrays[id(one.laid.tensor)])) for one in inner)
