"""The workshop's jobs on a cluster: the same interface as `edgekit.jobs.pool`, with a dask scheduler's workers.

`distributed`'s executor is a `concurrent.futures.Executor`, to which jobs are submitted. Files are exchanged in the cache's
folder, which every worker must see at the same path; before any work, each worker is checked for that, and for being like
this machine. The model is loaded on this machine, since that runs the user's code.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import re
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from edgekit.errors import ClusterError, InterruptedBuild, ProjectError, from_parts
from edgekit.jobs.pool import Pool
from edgekit.jobs.worker import Done, Failed
from edgekit.machine.extras import require
from edgekit.make.cluster.check import check
from edgekit.make.cluster.remote import SENSIBLE, Answer, Order, end_build, run_job
from edgekit.progress import Progress
from edgekit.project.project import Project

REMOTE = ("train", "convert", "predict", "examine")
OPTION = "--scheduler"
ADDRESS = re.compile(r"(tcp|tls)://(\[[0-9A-Fa-f:.]+\]|[^\s/:\[\]@]+):(\d{1,5})")
CONNECTS_S = 5.0
LOOKS_EVERY_S = 2.0
LONELY_S = 30.0
"""Seconds that a scheduler may be silent or have no worker: restarting one takes some seconds."""
ATTEMPTS = 3
PATIENCE_S = 60.0
"""Seconds that a job may wait beyond its own time limit, because others use the cluster's queue too."""


class DaskPool:
    """The workers of the scheduler at `address`; raises `ProjectError` if there is no scheduler, and `ClusterError`.

    `temporary` is the build's folder in the cache.
    """

    def __init__(self, address: str, *, temporary: Path, project: Project) -> None:
        found = ADDRESS.fullmatch(address)
        if found is None or not 0 < int(found[3]) < 65536:
            raise ProjectError(
                "not the address of a scheduler", where=OPTION, received=address, allowed="tcp://HOST:PORT or tls://HOST:PORT"
            )  # fmt: skip
        require("cluster", "distributed", purpose=OPTION)
        self._address, self._temporary, self._project = address, temporary, project
        self._local = Pool(1, temporary=temporary)
        self._build = f"edgekit-{uuid.uuid4().hex}"
        self._numbers = itertools.count()
        self._heard: dict[int, Progress] = {}
        self._futures: set[Future[Answer]] = set()
        self._stopped = threading.Event()
        self._seen_at = time.monotonic()

    def __enter__(self) -> DaskPool:
        with contextlib.ExitStack() as stack:
            stack.enter_context(_quiet())
            self._client = self._connected()
            stack.callback(self._leave)
            self._same = check(self._client, self._temporary, self._project, where=self._address)
            self._client.subscribe_topic(self._build, self._on_event)
            self._executor = self._client.get_executor(pure=False)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        self._local.__exit__()
        self._stack.close()

    def run(self, job: dict[str, Any], *, progress: Progress, time_limit_s: float | None = None) -> Done | Failed:
        """Run a job on a worker, and again if that worker is lost; raises the job's own errors, and `ClusterError`."""
        if job["do"] not in REMOTE:
            return self._local.run(job, progress=progress, time_limit_s=time_limit_s)
        order = Order(
            job=job, build=self._build, number=next(self._numbers), time_limit_s=time_limit_s,
            environment=_environment(), same=self._same,
        )  # fmt: skip
        self._heard[order.number] = progress
        progress("on the cluster", 0, 1)
        try:
            for _ in range(ATTEMPTS):
                answer = self._asked(order)
                if isinstance(answer, Failed):
                    return answer
                if not answer.is_stopped:
                    return taken(answer, Path(job["target"]))
            return Failed(reason=f"the workers that had it closed, {ATTEMPTS} times")
        finally:
            progress("on the cluster", 1, 1)
            del self._heard[order.number]

    def stop(self) -> None:
        """Cancel the waiting jobs, and end the running ones."""
        self._stopped.set()
        self._local.stop()
        for future in list(self._futures):
            future.cancel()
        self._end_remote()

    def _connected(self) -> Any:
        from distributed import Client

        connect: Any = Client
        try:
            with ThreadPoolExecutor(1) as thread:  # the caller's thread may already run an event loop
                thread.submit(asyncio.run, _connect_once(self._address)).result()
            return connect(self._address, timeout=CONNECTS_S, set_as_default=False, name="edgekit")
        except Exception as problem:  # dask raises what its transports raise, of many kinds
            raise ClusterError(
                "the scheduler cannot be reached",
                where=f"{OPTION} {self._address}",
                received=_told(problem),
                next_step="start one with `dask scheduler`, or leave the option out to train on this machine",
            ) from None

    def _leave(self) -> None:
        self._end_remote()
        with contextlib.suppress(Exception):
            self._client.close(timeout=2)

    def _end_remote(self) -> None:
        if self._client.status == "running":
            with contextlib.suppress(Exception):
                self._client.run(end_build, self._build, on_error="ignore", callback_timeout=5)

    def _on_event(self, event: tuple[float, dict[str, Any]]) -> None:
        told = event[1]
        progress = self._heard.get(told["number"])
        if progress is not None:
            progress(told["phase"], told["done"], told["total"])

    def _asked(self, order: Order) -> Answer | Failed:
        """One attempt; if a worker died, dask itself gives the job to another."""
        from distributed.scheduler import KilledWorker

        if self._stopped.is_set():
            raise InterruptedBuild("interrupted")
        try:
            future = self._executor.submit(run_job, order)
        except Exception as problem:
            raise self._lost(_told(problem)) from None
        self._futures.add(future)
        self._seen_at = time.monotonic()
        try:
            with self._cancelled_at_the_end(future):
                if not self._has_ended(future, order.time_limit_s):
                    return Failed(reason=f"waited {order.time_limit_s} s and more for a worker", timed_out=True)
            answer: Answer = future.result()
            return answer
        except KilledWorker as problem:
            return Failed(reason=f"the workers that had it ended, {problem.args[2]} times and more")
        except CancelledError:
            if self._stopped.is_set():
                raise InterruptedBuild("interrupted") from None
            raise self._lost("it closed the connection") from None
        except (ClusterError, InterruptedBuild):
            raise
        except Exception as problem:
            raise self._lost(_told(problem)) from None

    @contextlib.contextmanager
    def _cancelled_at_the_end(self, future: Future[Answer]) -> Iterator[None]:
        """However the wait ends, cancel the job if it is still on the cluster."""
        try:
            yield
        finally:
            self._futures.discard(future)
            if not future.done():
                future.cancel()

    def _has_ended(self, future: Future[Answer], time_limit_s: float | None) -> bool:
        """Wait for a job; False if it never starts. Raises `ClusterError` if no worker is left to run it."""
        until = None if time_limit_s is None else time.monotonic() + time_limit_s + PATIENCE_S
        while not wait([future], timeout=LOOKS_EVERY_S).done:
            if until is not None and time.monotonic() >= until:
                return False
            if self._stopped.is_set():
                raise InterruptedBuild("interrupted")
            self._require_workers()
        return True

    def _require_workers(self) -> None:
        with contextlib.suppress(Exception):
            found = self._client.sync(self._client.scheduler.ncores, workers=None, callback_timeout=LOOKS_EVERY_S)
            if found:
                self._seen_at = time.monotonic()
        silent_s = time.monotonic() - self._seen_at
        if silent_s > LONELY_S:
            raise self._lost(f"no worker for {silent_s:.0f} s")

    def _lost(self, received: str) -> ClusterError:
        return ClusterError(
            "the cluster was lost",
            where=f"{OPTION} {self._address}",
            received=received,
            next_step="the same command goes on with what is already done, here too without the option",
        )


async def _connect_once(address: str) -> None:
    """Connect once within a time limit: dask's client would wait for ever if something silent listens there."""
    from distributed.comm import core
    from distributed.security import Security

    connect: Any = core.connect
    security: Any = Security
    told = security().get_connection_args("client")
    comm = await asyncio.wait_for(connect(address, timeout=CONNECTS_S, **told), timeout=CONNECTS_S)
    await comm.close()


def taken(answer: Answer, target: Path) -> Done | Failed:
    """The answer, after its files were moved to where the job asked for them; raises the job's own error."""
    if answer.error is not None:
        raise from_parts(*answer.error)
    if answer.failed is not None:
        return answer.failed
    try:
        for part in list(os.scandir(answer.folder)):
            os.replace(part.path, target / part.name)
        os.rmdir(answer.folder)
    except OSError as problem:
        raise ClusterError(
            "what a worker wrote is not seen here",
            where=answer.folder,
            received=problem.strerror,
            next_step="the cache's folder (EDGEKIT_CACHE) must be one that all workers share",
        ) from None
    return Done(value=answer.value)


def _environment() -> dict[str, str | None]:
    """This machine's variables that change how TensorFlow computes. Dask sets some for its workers, which must not count."""
    here = {name: value for name, value in os.environ.items() if name.startswith(SENSIBLE)}
    return {**dict.fromkeys(SET_BY_DASK), **here}


SET_BY_DASK = ("MALLOC_TRIM_THRESHOLD_", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def _told(problem: BaseException) -> str:
    return f"{type(problem).__name__}: {problem}"[:300]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep dask's log of lost connections off the terminal: an error will report the outcome."""
    loggers = [logging.getLogger(name) for name in ("distributed", "tornado")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
