"""The job `examine`: the model's outputs on some training samples, unchanged and transformed, and the inputs of its first layers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from edgekit.ingest.dataset import Dataset
from edgekit.keras_graph.call_graph import calls, maker, symbolic
from edgekit.make.workshop.answers import answers, input_types, is_keras3
from edgekit.make.workshop.door import Door, door
from edgekit.make.workshop.file_model import FileModel
from edgekit.make.workshop.store import open_model
from edgekit.progress import Progress
from edgekit.sanity.transforms import Transform, applied
from edgekit.values import to_builtins

NORMALISING = ("Normalization", "BatchNormalization")
MOST_FRONTS = 8


def examine(job: dict[str, Any], progress: Progress) -> Any:
    """Run the model in `job["model"]` on the training samples at the positions `job["positions"]`.

    Writes the outputs as `as_given_0.npy`, ..., and for each of `job["transforms"]`, applied to the only input, as
    `tried_<number>_0.npy`, ... Returns the number of outputs, and the `fronts` with the fields of `edgekit.sanity.ranges.Front`.
    """
    tools = door()
    tools.fresh(job["seed"])
    model = open_model(tools, Path(job["model"]), (), job)
    dataset, target = Dataset.open(Path(job["dataset"])), Path(job["target"])
    picked = dataset.rows("train")[np.asarray(job["positions"], int)]
    dtypes = [dtype.as_numpy_dtype for dtype in input_types(tools, model)]
    given = [np.asarray(array[picked]) for array in dataset.inputs("train")]
    ways = [msgspec.convert(one, Transform) for one in job["transforms"]]
    outputs = 0
    for done in range(len(ways) + 1):
        progress("examining the inputs", done, len(ways) + 1)
        inputs = given if done == 0 else [applied(ways[done - 1], given[0])]
        found = _run(model, [array.astype(dtype, copy=False) for array, dtype in zip(inputs, dtypes, strict=True)])
        outputs = len(found)
        for index, output in enumerate(found):
            np.save(target / (f"as_given_{index}.npy" if done == 0 else f"tried_{done - 1}_{index}.npy"), output)
    is_file = isinstance(model, FileModel)  # which has operators and no such layers
    fronts = (
        []
        if is_file
        else _fronts(tools, model, [array.astype(dtype) for array, dtype in zip(given, dtypes, strict=True)])
    )
    progress("examining the inputs", len(ways) + 1, len(ways) + 1)
    return {"outputs": outputs, "fronts": [to_builtins(front) for front in fronts]}


def _run(model: Any, inputs: list[np.ndarray], size: int = 128) -> list[np.ndarray]:
    parts: list[list[np.ndarray]] = []
    for start in range(0, len(inputs[0]), size):
        batch = [array[start : start + size] for array in inputs]
        parts.append([np.asarray(one, np.float32) for one in answers(model, batch)])
    return [np.concatenate([part[index] for part in parts]) for index in range(len(parts[0]))]


def _fronts(tools: Door, model: Any, inputs: list[np.ndarray]) -> list[dict[str, Any]]:
    """The rescaling and normalising layers with none of their kind before them, and the values that reach them."""
    found: list[dict[str, Any]] = []
    normalised: set[str] = set()
    weighed: set[str] = set()
    for layer, before in _with_sources(model):
        kind = type(layer).__name__
        is_front = kind in NORMALISING and not before & normalised
        if kind == "Rescaling" and not before & weighed and np.ndim(layer.scale) == 0 and np.ndim(layer.offset) == 0:
            found.append(_rescaling(tools, model, layer, inputs))
        elif is_front and len(found) < MOST_FRONTS:
            front = _normalising(tools, model, layer, inputs)
            if front is not None:
                found.append({**front, "is_first": not before & weighed})
        if before & normalised or kind in NORMALISING:
            normalised.add(layer.name)
        if before & weighed or len(getattr(layer, "weights", ())):
            weighed.add(layer.name)
    return found


def _with_sources(model: Any) -> Iterator[tuple[Any, set[str]]]:
    """The layers and operations in the order they run, each once, with the names of those that its first call takes from."""
    seen: set[int] = set()
    for layer, args, kwargs, _ in calls(model):
        if id(layer) not in seen:
            seen.add(id(layer))
            yield layer, {maker(tensor).name for tensor in symbolic([args, kwargs])}


def _coming(tools: Door, model: Any, layer: Any, inputs: list[np.ndarray]) -> np.ndarray:
    return _run((tools.keras3 if is_keras3(model) else tools.keras).Model(model.inputs, layer.input), inputs)[0]


def _rescaling(tools: Door, model: Any, layer: Any, inputs: list[np.ndarray]) -> dict[str, Any]:
    values = _coming(tools, model, layer, inputs) * float(layer.scale) + float(layer.offset)
    return {
        "layer": layer.name, "kind": "Rescaling", "scale": float(layer.scale), "low": float(values.min()),
        "high": float(values.max()),
    }  # fmt: skip


def _normalising(tools: Door, model: Any, layer: Any, inputs: list[np.ndarray]) -> dict[str, Any] | None:
    """The values that reach a layer, by the items of its last axis; None if it was never trained, or works along another axis."""
    kind = type(layer).__name__
    if kind == "BatchNormalization":
        mean, variance = np.asarray(layer.moving_mean), np.asarray(layer.moving_variance)
        is_new = not mean.any() and (variance == 1).all()
    else:
        mean, variance = np.asarray(layer.mean).reshape(-1), np.asarray(layer.variance).reshape(-1)
        is_new = False
    values = _coming(tools, model, layer, inputs)
    values = values.reshape(-1, values.shape[-1])
    if is_new or len(mean) not in (1, values.shape[1]):
        return None
    if len(mean) == 1:
        values = values.reshape(-1, 1)
    return {
        "layer": layer.name, "kind": kind,
        "mean": values.mean(axis=0).tolist(), "std": values.std(axis=0).tolist(),
        "made_mean": mean.tolist(), "made_std": np.sqrt(variance).tolist(),
    }  # fmt: skip
