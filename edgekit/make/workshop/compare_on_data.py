"""The job `compare`: a normalised model held against its original on samples of the user's own data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from edgekit.errors import DataError, ModelError
from edgekit.ingest.dataset import Dataset
from edgekit.make.workshop.answers import input_types
from edgekit.make.workshop.compare import compare_on
from edgekit.make.workshop.door import door
from edgekit.make.workshop.from_onnx import FromOnnx, one_by_one
from edgekit.make.workshop.load import read_original
from edgekit.make.workshop.normalise import in_float32
from edgekit.make.workshop.store import open_model
from edgekit.onnx_graph.compare import Comparison
from edgekit.onnx_graph.runtime import CANNOT_RUN
from edgekit.progress import Progress


def compare_on_data(job: dict[str, Any], progress: Progress) -> Any:
    """Compare the model in `job["model"]` with that of `job["source"]` on `job["samples"]` training samples.

    A model of fixed batch is given one batch. One in ONNX is held against onnxruntime too, one from PyTorch also against its own answers in the
    folder `job["answers"]`, and the largest of these differences is added.
    Returns the largest relative difference of an output as `error`, and the number of `samples`; raises
    `ModelError` that names the first layer that differs. The job also holds what `load` needs to read the original.
    """
    tools = door()
    tools.fresh(job["seed"])
    progress("comparing with the original", 0, 1)
    read = read_original(tools, job)
    original = read.model
    in_float32(tools, original)
    made = open_model(tools, Path(job["model"]), (), job)
    dataset = Dataset.open(Path(job["dataset"]))
    fixed = next((tensor.shape[0] for tensor in getattr(original, "inputs", None) or () if tensor.shape[0]), None)
    rows = dataset.rows("train")[: fixed or job["samples"]]
    dtypes = [dtype.as_numpy_dtype for dtype in input_types(tools, made)]
    pairs = zip(dataset.inputs("train"), dtypes, strict=True)
    samples = [np.asarray(array[rows]).astype(dtype, copy=False) for array, dtype in pairs]
    error = (_of_import(read.onnx, samples) if read.onnx else 0.0) + compare_on(
        tools, original, made, job["source"], samples, of="samples of your data"
    )
    progress("comparing with the original", 1, 1)
    return {"error": error, "samples": len(rows)}


def _of_import(onnx: FromOnnx, samples: list[np.ndarray]) -> float:
    """How far an import is from onnxruntime, and from the PyTorch model that it came from."""
    original = onnx.compared_with_original()
    return max(_on_samples(onnx, samples).error, original.error if original else 0.0)


def _on_samples(onnx: FromOnnx, samples: list[np.ndarray]) -> Comparison:
    """The import held against onnxruntime on the user's samples; raises `DataError` where it runs the file, as it does when the model is opened, and not on them."""
    try:
        return onnx.compared(one_by_one(samples))
    except ModelError as problem:
        if problem.what != CANNOT_RUN:
            raise
        raise DataError(
            "onnxruntime, which an import is held against, cannot run the model on these samples", where="train", received=problem.received,
            allowed="values that every operator of the model bears, such as indices within their table",
            next_step="look at the values of the samples, and at how they are made",
        ) from None  # fmt: skip
