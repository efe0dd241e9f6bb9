"""The job `predict`: the model's own outputs, of Keras or of a given file, on a split, written beside the data for comparison."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from edgekit.ingest.arrays import ArrayWriter
from edgekit.ingest.dataset import Dataset
from edgekit.make.workshop.answers import answers, input_types
from edgekit.make.workshop.door import door
from edgekit.make.workshop.feed import split_batches
from edgekit.make.workshop.file_model import FileModel
from edgekit.make.workshop.store import open_model, steps_of
from edgekit.progress import Progress


def predict(job: dict[str, Any], progress: Progress) -> Any:
    """Write the outputs of the model in `job["model"]` on `job["split"]` as `job["target"]/output_0.npy`, ...

    `job["steps"]` are the training steps that made the model; it may be absent where there were none.
    """
    tools = door()
    tools.fresh(job["seed"])
    model = open_model(tools, Path(job["model"]), steps_of({"steps": job.get("steps", ())}), job)
    dataset = Dataset.open(Path(job["dataset"]))
    total, done = dataset.splits[job["split"]].samples, 0
    writers: list[ArrayWriter] = []
    phase = "running the given file" if isinstance(model, FileModel) else "running the Keras model"
    dtypes = [dtype.as_numpy_dtype for dtype in input_types(tools, model)]
    for batch in split_batches(dataset, job["split"], dtypes):
        outputs = answers(model, batch)
        if not writers:
            writers = [
                ArrayWriter(Path(job["target"]) / f"output_{index}.npy", f"output {index}")
                for index in range(len(outputs))
            ]
        for writer, output in zip(writers, outputs, strict=True):
            writer.append(np.asarray(output, dtype=np.float32))
        done += len(batch[0])
        progress(phase, done, total)
    for writer in writers:
        writer.close()
    return {"outputs": len(writers)}
