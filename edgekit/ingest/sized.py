"""Layers counted with the sizes that the data has, where the model leaves some free: else each would count as 1."""

from __future__ import annotations

from pathlib import Path

import msgspec

from edgekit.documents.facts import LayerFacts
from edgekit.ingest.dataset import Dataset
from edgekit.ingest.model import OpenedModel
from edgekit.jobs.cache import Cache, key, versions
from edgekit.jobs.pool import Jobs
from edgekit.jobs.worker import Failed
from edgekit.progress import Progress

ANSWER = "layers.json"


def with_sizes(opened: OpenedModel, dataset: Dataset, cache: Cache, pool: Jobs, *, progress: Progress) -> OpenedModel:
    """The model with the facts of its layers for the data's sizes; unchanged where none is free, or where it does not take those.

    The shapes of its inputs and outputs stay free.
    """
    if not any(None in tensor.shape for tensor in opened.facts.inputs):
        return opened
    sizes = [list(array.shape[1:]) for array in dataset.splits["train"].inputs]
    job = {
        "do": "sized_facts",
        "model": opened.folder,
        "sizes": sizes,
        **{name: opened.job[name] for name in ("root", "imports", "seed")},
    }

    def make(folder: Path) -> None:
        answer = pool.run(job, progress=progress)
        (folder / ANSWER).write_bytes(msgspec.json.encode([] if isinstance(answer, Failed) else answer.value))

    folder = cache.folder("sized", key(model=opened.key, sizes=sizes, versions=versions()), make)
    layers = msgspec.json.decode((folder / ANSWER).read_bytes(), type=tuple[LayerFacts, ...])
    return (
        msgspec.structs.replace(opened, facts=msgspec.structs.replace(opened.facts, layers=layers))
        if layers
        else opened
    )
