"""A student that is derived from the model itself: made once in a worker, and kept in the cache as an opened model."""

from __future__ import annotations

from pathlib import Path

import msgspec

from edgekit.documents.facts import ModelFacts
from edgekit.errors import ModelError
from edgekit.ingest.model import OpenedModel
from edgekit.jobs.cache import Cache, key, processor, versions
from edgekit.jobs.pool import Jobs
from edgekit.jobs.worker import Failed
from edgekit.progress import Progress
from edgekit.project.project_file import StudentTable
from edgekit.values import from_json


def derived(model: OpenedModel, table: StudentTable, cache: Cache, pool: Jobs, *, progress: Progress) -> OpenedModel:
    """The network of the model's graph with the shares of channels and of residual blocks that a project asks for.

    It has the model's inputs and outputs. Raises `ModelError` where nothing can go.
    """
    entry = key(model=model.key, width=table.width, depth=table.depth, versions=versions(), processor=processor())
    job = {
        "do": "derive", "model": model.folder, "width": table.width, "depth": table.depth, "sha256": entry,
        **{part: model.job[part] for part in ("root", "imports", "seed")},
    }  # fmt: skip

    def make(folder: Path) -> None:
        answer = pool.run({**job, "target": str(folder)}, progress=progress)
        if isinstance(answer, Failed):
            raise ModelError(
                "no student can be derived from the model", where="[student]", received=answer.reason,
                next_step="name a network of your own as [student] model",
            )  # fmt: skip

    folder = cache.folder("derived", entry, make)
    facts = from_json((folder / "facts.json").read_bytes(), ModelFacts, where=str(folder))
    facts = msgspec.structs.replace(facts, inputs=model.facts.inputs, outputs=model.facts.outputs)
    told = " and ".join(f"{part} {share:g}" for part, share in table.shares.items())
    source = f"derived from the model with {told}"
    return OpenedModel(folder=str(folder), key=entry, facts=facts, job=model.job, source=source)
