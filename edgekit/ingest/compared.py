"""A model that was rebuilt or rewritten, held against its original on the user's own data before anything is made of it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from edgekit.documents.facts import ModelFacts
from edgekit.ingest.dataset import Dataset
from edgekit.ingest.from_torch import answers_on_data
from edgekit.ingest.model import OpenedModel
from edgekit.jobs.cache import Cache, key, processor, versions
from edgekit.jobs.pool import Jobs
from edgekit.jobs.worker import Failed
from edgekit.progress import Progress
from edgekit.verdict.task import same

SAMPLES = 16
ANSWER = "answer.json"
MOST_OF_A_REASON = 200
"""Characters of what TensorFlow says: it repeats the whole call."""


def compare_on_data(opened: OpenedModel, dataset: Dataset, cache: Cache, pool: Jobs, *, progress: Progress) -> str:
    """How near both answer, as a note; raises `ModelError` where they differ by more than rounding.

    Empty where the model has the user's own layers and weights throughout, which loading has compared one by one; and for a function, which may train
    its model anew each time that it is called. Empty too where the data do not fit the model, which is said where they are matched.
    """
    facts, count = opened.facts, min(SAMPLES, dataset.splits["train"].samples)
    is_as_given = "Keras 3" in facts.format and not facts.passes
    if is_as_given or not opened.job or opened.job["is_function"] or not _fits(dataset, facts):
        return ""
    name = key(model=opened.key, data=dataset.sha256, samples=count, versions=versions(), processor=processor())
    job = {**opened.job, "do": "compare", "model": opened.folder, "dataset": str(dataset.root), "samples": count}

    def make(folder: Path) -> None:
        if "original" in job:
            axes = [tensor.onnx_axes for tensor in facts.inputs]
            answers_on_data(job, dataset, axes, count, folder, cache, progress)
            job["answers"] = str(folder)
        answer = pool.run(job, progress=progress)
        value = {"reason": answer.reason} if isinstance(answer, Failed) else answer.value
        (folder / ANSWER).write_bytes(msgspec.json.encode(value))

    answer = msgspec.json.decode((cache.folder("compared", name, make) / ANSWER).read_bytes())
    if "reason" in answer:
        reason = " ".join(answer["reason"].split())[:MOST_OF_A_REASON]
        return f"model: it could not be compared with the original on your data ({reason})"
    error = answer["error"]
    near = f"within {error:.2g} of the largest output" if error else "number for number"
    whom = "the PyTorch model" if "original" in job else "onnxruntime" if facts.imported else "the original"
    return f"model: it answers as {whom} on {answer['samples']} of your training samples, {near}"


def _fits(dataset: Dataset, facts: ModelFacts) -> bool:
    """Whether there is an array of the right shape for each input."""
    arrays = dataset.splits["train"].inputs
    pairs = zip(arrays, facts.inputs, strict=False)
    return len(arrays) == len(facts.inputs) and all(same(array.shape[1:], tensor.shape) for array, tensor in pairs)
