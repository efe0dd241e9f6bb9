"""Chooses who runs the workshop's jobs: workers on this machine, or those of a dask scheduler."""

from __future__ import annotations

import contextlib
from pathlib import Path

from edgekit.jobs.pool import Jobs, Pool
from edgekit.project.project import Project


def jobs_of(
    scheduler: str | None, workers: int, temporary: Path, settings: Project
) -> contextlib.AbstractContextManager[Jobs]:
    """A pool of workers, as a context that ends them; raises `ClusterError` where the scheduler cannot be reached."""
    if scheduler is None:
        return Pool(workers, temporary=temporary)
    from edgekit.make.cluster.dask_pool import DaskPool

    return DaskPool(scheduler, temporary=temporary, project=settings)
