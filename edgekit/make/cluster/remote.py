"""The cluster's side of a job: how a dask worker runs it, each thread in a warm child of its own.

A job's files go to a fresh folder beside its target, so that a job which runs twice (because its first worker was taken
for dead) never writes into the other's folder. A child is ended when its job is no longer waited for. Nothing is known
here about the client, or about what a job does.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import shutil
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from edgekit.errors import EdgekitError, ModelError
from edgekit.jobs.cache import processor, versions
from edgekit.jobs.pool import ENVIRONMENT, MODULE
from edgekit.jobs.worker import Failed, Worker
from edgekit.progress import Progress
from edgekit.project.userfunction import module_digest
from edgekit.techniques import identity, techniques
from edgekit.values import Value

SENSIBLE = ("TF_", "XLA_", "OMP_", "MKL_", "KMP_", "OPENBLAS_", "MALLOC_", "CUDA_")
"""Prefixes of variables that change how TensorFlow computes; dask itself sets some of them for its workers."""
LOOKED_AFTER_S = 0.5
TOLD_EVERY_S = 0.5
TOKEN = "token"
CLOSING = ("closing", "closed", "failed")


class Order(Value):
    """A job as it is sent: what to do, for which build, with which environment variables, and on which kind of worker only."""

    job: dict[str, Any]
    build: str
    number: int
    time_limit_s: float | None
    environment: dict[str, str | None]
    same: dict[str, str]


class Answer(Value):
    """The result of a job: a value, a failure, or the parts of an error; nothing if the worker was closing.

    `folder` is where the job's files are.
    """

    folder: str = ""
    value: Any = None
    failed: Failed | None = None
    error: tuple[str, dict[str, str]] | None = None
    is_stopped: bool = False


@functools.cache
def alike() -> dict[str, str]:
    """All that the bytes of a result depend on beside its inputs: every worker must have the same."""
    plans = {f"technique {name}": identity(method) for name, method in techniques().items()}
    return {**versions(), **plans, "processor": processor()}


def examine(folder: str, token: str, root: str, imports: tuple[str, ...]) -> dict[str, Any]:
    """The facts of a worker, and whether it sees the build's folder: it reads the token there and writes it beside, as `seen`."""
    seen, problem = f"seen-{uuid.uuid4().hex}", ""
    try:
        if (Path(folder) / TOKEN).read_text() != token:
            problem = "it sees another folder there"
        (Path(folder) / seen).write_text(token)
    except OSError as found:
        problem = f"{found.strerror}: {found.filename}"
    return {"alike": alike(), "modules": modules_of(root, imports), "seen": seen, "problem": problem}


def modules_of(root: str, imports: tuple[str, ...]) -> str:
    """The identity of the modules of `--import` on this machine, or why they cannot be found."""
    try:
        return module_digest(imports, root=Path(root), error=ModelError) if imports else ""
    except EdgekitError as missing:
        return missing.what


def run_job(order: Order) -> Answer:
    """Run a job on this dask worker, in a child; errors are part of the answer."""
    from distributed import get_worker

    here = get_worker()
    for name, value in alike().items():
        if order.same.get(name) != value:
            return Answer(error=("ClusterError", _unlike(here.address, name, value, order.same.get(name, "none"))))
    target = Path(order.job["target"])
    folder = target.parent / f"{target.name}-{uuid.uuid4().hex}"
    try:
        folder.mkdir()
    except OSError as problem:
        return Answer(error=("ClusterError", _unseen(here.address, problem)))
    key = here.get_current_task()
    with _leased_child(order, here.local_directory) as child, _watched(child, lambda: _is_wanted(here, key)) as ended:
        answer = _run(child, order, folder, _event_progress(here, order))
    if answer.folder and not ended.is_set():
        return answer
    shutil.rmtree(folder, ignore_errors=True)
    return Answer(is_stopped=True) if ended.is_set() else answer


def end_build(build: str) -> None:
    """End the jobs of a build that run here, and the idle children."""
    with _lock:
        busy = [child for child, whose in _busy.items() if whose == build]
        idle, _idle[:] = list(_idle), []
    for child in (*busy, *idle):
        child.worker.close()
    for child in idle:
        shutil.rmtree(child.temporary, ignore_errors=True)


def _unlike(place: str, name: str, value: str, wanted: str) -> dict[str, str]:
    what = "a worker that joined meanwhile is not like the others"
    return {"what": what, "where": place, "received": f"{name}: {value}", "allowed": wanted}


def _unseen(place: str, problem: OSError) -> dict[str, str]:
    received = f"{problem.strerror}: {problem.filename}"
    return {"what": "a worker does not see the cache's folder any more", "where": place, "received": received}


def _run(child: Worker, order: Order, folder: Path, progress: Progress) -> Answer:
    job = {**order.job, "target": str(folder)}
    try:
        found = child.run(job, progress=progress, time_limit_s=order.time_limit_s)
    except EdgekitError as problem:
        return Answer(error=(type(problem).__name__, problem.parts()))
    if isinstance(found, Failed):
        return Answer(failed=found)
    return Answer(folder=str(folder), value=found.value)


@dataclasses.dataclass(eq=False, frozen=True)
class _Child:
    """A warm child of this dask worker, the variables it was started with, and the folder of its temporary files."""

    worker: Worker
    environment: Mapping[str, str | None]
    temporary: str


_lock = threading.Lock()
_idle: list[_Child] = []
_busy: dict[_Child, str] = {}


@contextlib.contextmanager
def _leased_child(order: Order, place: str) -> Iterator[Worker]:
    """A warm child that was started with the same variables, else a new one; each thread of the dask worker has its own."""
    with _lock:
        child = next((one for one in _idle if one.environment == order.environment), None)
        if child is None:
            temporary = tempfile.mkdtemp(prefix="edgekit-", dir=place)
            environment = {**order.environment, **ENVIRONMENT, "TMPDIR": temporary}
            child = _Child(Worker(MODULE, environment=environment), order.environment, temporary)
        else:
            _idle.remove(child)
        _busy[child] = order.build
    try:
        yield child.worker
    finally:
        with _lock:
            del _busy[child]
            _idle.append(child)


@contextlib.contextmanager
def _watched(child: Worker, is_wanted: Callable[[], bool]) -> Iterator[threading.Event]:
    """End the child when its job is no longer wanted: if the client has gone, or this dask worker closes."""
    done, ended = threading.Event(), threading.Event()

    def look() -> None:
        while not done.wait(LOOKED_AFTER_S):
            if not is_wanted():
                ended.set()
                child.close()

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield ended
    finally:
        done.set()
        thread.join()


def _is_wanted(here: Any, key: Any) -> bool:
    """Whether the scheduler still waits for a task of this dask worker; the scheduler notices when a client has gone."""
    task = here.state.tasks.get(key)
    return task is not None and task.state in ("executing", "long-running") and here.status.name not in CLOSING


def _event_progress(here: Any, order: Order) -> Progress:
    """Progress as events of dask: at most two a second, and always the end of a phase."""
    told_at = 0.0

    def tell(phase: str, done: int, total: int) -> None:
        nonlocal told_at
        now = time.monotonic()
        if done >= total or now - told_at >= TOLD_EVERY_S:
            told_at = now
            here.log_event(order.build, {"number": order.number, "phase": phase, "done": done, "total": total})

    return tell
