"""The model and the data of a project, opened: the caller's own objects, else what the caller or the project names.

It only decides which of them applies: `model` opens paths and functions, `objects` the caller's objects.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgekit.ingest.dataset import Dataset
from edgekit.ingest.model import OpenedModel, open_data, open_model
from edgekit.ingest.objects import keep_data, keep_model
from edgekit.ingest.wanted import wanted_of
from edgekit.jobs.cache import Cache
from edgekit.jobs.pool import Jobs
from edgekit.progress import Progress
from edgekit.project.project import Project

LEAST_OPENING_S = 600.0
"""Loading the model and reading the data may each take at least this long, even if the time budget is shorter:
a function may train the model, and its result is cached."""


def open_project_model(
    model: Any, settings: Project, cache: Cache, pool: Jobs, *, trust: bool, progress: Progress
) -> OpenedModel:
    """The caller's model, else the project's, with its facts: from the cache, or loaded in a worker."""
    root, table = Path(settings.root), settings.model
    if model is not None and not isinstance(model, str | Path):
        table, trust = keep_model(model, cache), True
    assert table is not None
    return open_model(
        table,
        root=root,
        cache=cache,
        pool=pool,
        seed=settings.seed,
        imports=settings.imports,
        trust=trust,
        progress=progress,
        time_limit_s=max(settings.time_budget_s, LEAST_OPENING_S),
    )


def open_project_data(
    data: Any, settings: Project, opened: OpenedModel, cache: Cache, *, trust: bool, progress: Progress
) -> Dataset:
    """The caller's data, else the project's, checked and split, named after the model's inputs and outputs."""
    root, seed = Path(settings.root), settings.seed
    wanted = wanted_of(opened.facts)
    if data is not None and not isinstance(data, str | Path):
        return keep_data(data, settings.data, wanted=wanted, seed=seed, cache=cache, progress=progress)
    assert settings.data is not None
    return open_data(
        settings.data, root=root, cache=cache, seed=seed, wanted=wanted, trust=trust,
        progress=progress, time_limit_s=max(settings.time_budget_s, LEAST_OPENING_S),
    )  # fmt: skip
