"""The child's side of a job: how every process that edgekit starts uses its standard streams.

Jobs come in as JSON lines, events go out as JSON lines; whatever the job itself prints goes to the log. When its
parent's pipe closes, the process ends with all that it started. It does not know what a job does.
"""

from __future__ import annotations

import contextlib
import errno
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

import msgspec

from edgekit.errors import EdgekitError
from edgekit.progress import Progress

Handler = Callable[[dict[str, Any], Progress], Any]
MEMORY_LIMIT_VARIABLE = "EDGEKIT_CHILD_MEMORY_BYTES"
PROGRESS_INTERVAL_S = 0.1
DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


class _Events:
    """The pipe to the parent, to which only the process writes that serves: a fork that comes back from a job would answer a second time."""

    def __init__(self, pipe: BinaryIO) -> None:
        self._pipe, self._process = pipe, os.getpid()

    def write(self, line: bytes) -> None:
        if os.getpid() == self._process:
            self._pipe.write(line)


def serve(load_handlers: Callable[[], Mapping[str, Handler]]) -> None:
    """Answer jobs until the parent closes the pipe; `load_handlers` is called once, before the first job."""
    given, events = _claim_streams()
    _limit_memory()
    jobs = _read_jobs(given)
    handlers: Mapping[str, Handler] | None = None
    while True:
        job = jobs.get()
        try:
            handlers = load_handlers() if handlers is None else handlers
            with _memory_limited(job.get("memory_bytes")):
                value = handlers[job["do"]](job, _reporter(events))
            _send(events, {"event": "result", "value": value})
        except EdgekitError as error:
            _send(events, {"event": "error", "kind": type(error).__name__, "parts": error.parts()})
        except MemoryError:
            _send_failure(events, "ran out of the memory it was allowed", repeatable=False)
        except (Exception, SystemExit) as problem:
            if _is_disk_error(problem):
                parts = {
                    "what": "no space left on the disk, or it cannot be written",
                    "where": str(getattr(problem, "filename", None) or job.get("target", "")),
                    "received": f"{type(problem).__name__}: {str(problem).strip()[:200]}",
                    "next": "free some space, or name another folder in EDGEKIT_CACHE",
                }
                _send(events, {"event": "error", "kind": "OutputError", "parts": parts})
                continue
            reason = f"{type(problem).__name__}: {str(problem).strip()[:500]}"
            _send_failure(events, reason, repeatable=True)


def _is_disk_error(problem: BaseException) -> bool:
    """Whether an error, or one that led to it, says that the disk is full or read-only (HDF5 hides it in a chain)."""
    chain: BaseException | None = problem
    while chain is not None:
        if getattr(chain, "errno", None) in DISK_ERRORS or os.strerror(errno.ENOSPC) in str(chain):
            return True
        chain = chain.__cause__ or chain.__context__
    return False


def _claim_streams() -> tuple[BinaryIO, _Events]:
    """Keep the pipes to the parent for jobs and events alone: a library's `print` goes to the log instead, and its `input` finds nothing."""
    given, events = os.fdopen(os.dup(0), "rb"), _Events(os.fdopen(os.dup(1), "wb", buffering=0))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return given, events


def _send(events: _Events, message: dict[str, Any]) -> None:
    with contextlib.suppress(BrokenPipeError):
        events.write(msgspec.json.encode(message) + b"\n")


def _send_failure(events: _Events, reason: str, *, repeatable: bool) -> None:
    """Send the exception being handled as a failure; a `repeatable` one would happen again with the same job."""
    detail = traceback.format_exc()
    _send(events, {"event": "failure", "reason": reason, "detail": detail, "repeatable": repeatable})


def _reporter(events: _Events) -> Progress:
    """Progress that reaches the parent at most ten times a second, and always at the end of a phase."""
    sent_at = 0.0

    def report(phase: str, done: int, total: int) -> None:
        nonlocal sent_at
        now = time.monotonic()
        if done >= total or now - sent_at >= PROGRESS_INTERVAL_S:
            sent_at = now
            _send(events, {"event": "progress", "phase": phase, "done": done, "total": total})

    return report


def _read_jobs(given: BinaryIO) -> queue.Queue[dict[str, Any]]:
    """Jobs from what was standard input; when it ends the parent is gone, and this process group is ended."""
    jobs: queue.Queue[dict[str, Any]] = queue.Queue()

    def read() -> None:
        for line in given:
            jobs.put(msgspec.json.decode(line))
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=read, daemon=True).start()
    return jobs


@contextlib.contextmanager
def _memory_limited(memory_bytes: int | None) -> Iterator[None]:
    """Let a job take that much address space beyond what the process has, so that a file that needs more fails alone.

    The process's own limit still holds during the job, and is restored afterwards.
    """
    if memory_bytes is None or sys.platform != "linux":
        yield
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    with open("/proc/self/statm", encoding="ascii") as file:
        allowed = int(file.read().split()[0]) * resource.getpagesize() + memory_bytes
    limits = [limit for limit in (soft, hard) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_AS, (min([allowed, *limits]), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _limit_memory() -> None:
    limit = os.environ.get(MEMORY_LIMIT_VARIABLE)
    if limit and sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (int(limit), int(limit)))
