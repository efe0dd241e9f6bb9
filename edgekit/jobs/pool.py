"""Worker processes with TensorFlow, shared by the threads that wait for them.

A thread of an executor leases a worker for a job. `edgekit.make.cluster.dask_pool` runs the same jobs on a cluster's
executor; callers see both as `Jobs`.
"""

from __future__ import annotations

import contextlib
import queue
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from edgekit.errors import InterruptedBuild
from edgekit.jobs.worker import Done, Failed, Worker
from edgekit.machine.extras import require
from edgekit.progress import Progress

MODULE = "edgekit.make.workshop"
ENVIRONMENT = {
    "TF_USE_LEGACY_KERAS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "-1",
    "KERAS_BACKEND": "tensorflow",
}
STARTING = "starting TensorFlow"
PACKAGES = ("tensorflow", "tf_keras", "tensorflow_model_optimization")


class Jobs(Protocol):
    """Whatever runs the workshop's jobs, here or on a cluster."""

    def run(self, job: dict[str, Any], *, progress: Progress, time_limit_s: float | None = None) -> Done | Failed:
        """Run one job and wait for it; raises the job's own errors."""
        ...

    def stop(self) -> None:
        """End the jobs that run on a cluster; those on this machine are ended by `jobs.all_stopped`."""
        ...


class Pool:
    """`size` warm workers; none is started before the first job.

    `temporary` is the folder for their temporary files: workers are ended by a kill, and TensorFlow then leaves some behind.
    """

    def __init__(self, size: int, *, temporary: Path) -> None:
        environment = {**ENVIRONMENT, "TMPDIR": str(temporary)}
        self._workers = [Worker(MODULE, environment=environment) for _ in range(size)]
        self._free: queue.SimpleQueue[Worker] = queue.SimpleQueue()
        self._closed = False
        for worker in self._workers:
            self._free.put(worker)

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *exc: object) -> None:
        self._closed = True
        for worker in self._workers:
            worker.close()

    def run(self, job: dict[str, Any], *, progress: Progress, time_limit_s: float | None = None) -> Done | Failed:
        """Run a job on a free worker; raises `MissingExtraError` if TensorFlow is not installed, and the job's own errors."""
        require("build", *PACKAGES, purpose="loading, training and converting models")
        with self._lease() as worker, _starting(worker, progress) as told:
            return worker.run(job, progress=told, time_limit_s=time_limit_s)

    def stop(self) -> None:
        """Let no further job begin."""
        self._closed = True

    @contextlib.contextmanager
    def _lease(self) -> Iterator[Worker]:
        worker = self._free.get()
        try:
            if self._closed:
                raise InterruptedBuild("interrupted")
            yield worker
        finally:
            self._free.put(worker)


@contextlib.contextmanager
def _starting(worker: Worker, progress: Progress) -> Iterator[Progress]:
    """Progress that reports a worker as starting, until the worker reports something itself."""
    if worker.is_running:
        yield progress
        return
    silent = [True]

    def speaks() -> None:
        if silent:
            silent.clear()
            progress(STARTING, 1, 1)

    def told(phase: str, done: int, total: int) -> None:
        speaks()
        progress(phase, done, total)

    progress(STARTING, 0, 1)
    try:
        yield told
    finally:
        speaks()
