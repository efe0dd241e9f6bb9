"""What the trials of a build work on: the opened model, data and settings, and what the trials' jobs share."""

from __future__ import annotations

import dataclasses

from edgekit.documents.report import Finding
from edgekit.ingest.dataset import Dataset
from edgekit.ingest.model import OpenedModel
from edgekit.jobs.cache import Cache
from edgekit.jobs.pool import Jobs
from edgekit.jobs.semaphore import JobSemaphore
from edgekit.project.project import Project
from edgekit.verdict.task import OutputTask


@dataclasses.dataclass(frozen=True, kw_only=True)
class Materials:
    """What the trials for all devices of a build share; `tasks` and `losses` have one for each output of the model.

    `replacement` is the network that the project offers in the model's place (None: it offers none). `findings` are those on model and data, `notes` are remarks beside them.
    """

    project: Project
    model: OpenedModel
    dataset: Dataset
    losses: tuple[str, ...]
    cache: Cache
    pool: Jobs
    replacement: OpenedModel | None = None
    tasks: tuple[OutputTask, ...] = ()
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    semaphore: JobSemaphore = dataclasses.field(default_factory=lambda: JobSemaphore(1))
