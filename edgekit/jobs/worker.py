"""The parent's side of a job: a warm child process that gets jobs, and is watched, limited and killed.

Native code crashes, hangs and keeps its memory, so all of it runs in a child of its own process group. A child
that dies is a value (`Failed`) and never the end of the parent. It does not know what a job does.
"""

from __future__ import annotations

import contextlib
import errno
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from edgekit.errors import EdgekitError, InterruptedBuild, MissingExtraError, from_parts
from edgekit.jobs.child import MEMORY_LIMIT_VARIABLE
from edgekit.jobs.log import Log
from edgekit.jobs.other_python import command, module_path
from edgekit.progress import Progress, no_progress
from edgekit.values import Value

# Signals that a process causes by its own code; SIGKILL and others come from outside.
CRASHES = (signal.SIGSEGV, signal.SIGABRT, signal.SIGFPE)
# A shell of a few hundred KiB that waits for the end of its pipe, and then kills a process group. Native code in the
# child may hold the interpreter's lock, so that the child does not notice its parent's end; the shell does.
GUARD = ("/bin/sh", "-c", 'read -r _; kill -s KILL -- "-$0"')


class Done(Value):
    """A job's result, as JSON builtins."""

    value: Any


class Failed(Value):
    """A job without a result, and why: a sentence for people, and the log for developers, the first and last part of a long one.

    `repeatable` says that the job itself failed and would fail again: it raised an exception, or crashed. A job that ran
    out of memory, was killed from outside, or stopped at its time limit (`timed_out`), might succeed the next time.
    """

    reason: str
    detail: str = ""
    repeatable: bool = False
    timed_out: bool = False


_living: weakref.WeakSet[Worker] = weakref.WeakSet()
_stopping = threading.Event()
_counting = threading.Lock()


@contextlib.contextmanager
def all_stopped() -> Iterator[None]:
    """Kill every worker of this process, even those that other threads wait for, and let none start within the block."""
    _stopping.set()
    try:
        with _counting:
            living = list(_living)
        for worker in living:
            worker.close()
        yield
    finally:
        _stopping.clear()


def is_stopping() -> bool:
    """Whether `all_stopped` is active: code that waits for a process other than a worker must then end that process."""
    return _stopping.is_set()


class TrialFailed(Exception):
    """Ends a trial, not the build; `seconds` is how long the failed trial took, if the cache knows it.

    `again` says that the job itself failed and would fail each time: it crashed, or refused its input; `timed_out` that
    only time was lacking.
    """

    def __init__(
        self, reason: str, *, seconds: float | None = None, again: bool = False, timed_out: bool = False
    ) -> None:
        super().__init__(reason)
        self.reason, self.seconds, self.again, self.timed_out = reason, seconds, again, timed_out


class Worker:
    """A child process `python -m MODULE` that answers one job at a time and stays warm between jobs.

    `python` is that of another environment, which has packages that this one has not; msgspec must be among them.
    """

    def __init__(
        self,
        module: str,
        *,
        environment: Mapping[str, str | None] | None = None,
        memory_bytes: int | None = None,
        python: str | None = None,
    ) -> None:
        self._module, self._python = module, python
        self._environment = dict(environment or {})
        if memory_bytes is not None:
            self._environment[MEMORY_LIMIT_VARIABLE] = str(memory_bytes)
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        self._events: queue.Queue[bytes] = queue.Queue()
        self._log: Log | None = None

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def run(
        self, job: dict[str, Any], *, progress: Progress = no_progress, time_limit_s: float | None = None
    ) -> Done | Failed:
        """Send one job and wait for it.

        Returns `Failed` when the child crashes, raises something unexpected, or is killed at its time limit;
        raises the child's `EdgekitError` when it says that the input is wrong, and `MissingExtraError` where it cannot be started.
        """
        try:
            self._send(job)
            return self._wait(progress, time_limit_s)
        except EdgekitError:  # the child answered with an error, and still takes jobs
            raise
        except BaseException:
            self.close()
            raise

    @property
    def is_running(self) -> bool:
        """Whether the child runs already, so that a job need not wait for it to start."""
        return self._process is not None and self._process.poll() is None

    def close(self) -> None:
        """Kill the child's process group and wait until it is gone."""
        process, self._process = self._process, None
        guard, self._guard = self._guard, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        for child in (process, guard):
            if child is not None:
                _end(child)
        self._log = None

    def _send(self, job: dict[str, Any]) -> None:
        if not self.is_running:
            self.close()
            self._start()
        assert self._process is not None and self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(msgspec.json.encode(job) + b"\n")
            self._process.stdin.flush()

    def _start(self) -> None:
        if _stopping.is_set():
            raise InterruptedBuild("interrupted")
        with _counting:
            _living.add(self)
        self._events = queue.Queue()
        try:
            process = self._process = subprocess.Popen(
                command(self._module, self._python),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=_set({**os.environ, "PYTHONPATH": module_path(self._python), **self._environment}),
                start_new_session=True,
            )
            assert process.stderr is not None
            self._log = Log(process.stderr)
            self._guard = subprocess.Popen(
                [*GUARD, str(process.pid)], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
            )
        except OSError as problem:
            self.close()
            raise _not_started(problem) from problem
        threading.Thread(target=_pump, args=(process, self._events), daemon=True).start()
        threading.Thread(target=_clear, args=(process,), daemon=True).start()
        if _stopping.is_set():  # `all_stopped` may have run before there was a process to kill
            self.close()
            raise InterruptedBuild("interrupted")

    def _wait(self, progress: Progress, time_limit_s: float | None) -> Done | Failed:
        deadline = None if time_limit_s is None else time.monotonic() + time_limit_s
        while True:
            try:
                line = self._events.get(timeout=None if deadline is None else max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                log = "" if self._log is None else self._log.text()
                self.close()
                return Failed(reason=f"was stopped at its time limit of {time_limit_s:g} s", detail=log, timed_out=True)
            if not line:
                return self._crashed()
            event = _event(line)
            if event is None:
                continue
            if event["event"] == "progress":
                progress(event["phase"], event["done"], event["total"])
            elif event["event"] == "error":
                raise from_parts(event["kind"], event["parts"])
            elif event["event"] == "failure":
                return Failed(reason=event["reason"], detail=event["detail"], repeatable=event["repeatable"])
            else:
                return Done(value=event["value"])

    def _crashed(self) -> Failed:
        process = self._process
        if process is None:
            return Failed(reason="was stopped")
        code = process.wait()
        log = "" if self._log is None else self._log.text(whole=True)
        self.close()
        how = f"signal {_signal_name(-code)}" if code < 0 else f"exit code {code}"
        return Failed(reason=f"the process ended with {how}", detail=log, repeatable=-code in CRASHES)


def _not_started(problem: OSError) -> MissingExtraError:
    """The error for a program that the system does not start: it must not be taken for one of whoever waits for the job."""
    program = problem.filename or sys.executable
    of_python = "make it executable, or make the virtual environment anew" if program == sys.executable else None
    return MissingExtraError(
        "a process that edgekit needs cannot be started",
        where=str(program),
        received=problem.strerror,
        next_step=of_python if problem.errno in (errno.EACCES, errno.ENOENT, errno.ENOEXEC) else None,
    )


def _event(line: bytes) -> dict[str, Any] | None:
    """What the child says; None for a line that is not its own: a Python may greet before the child's code begins."""
    try:
        found = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return found if isinstance(found, dict) and "event" in found else None


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # one of those for real time, which have none
        return str(number)


def _set(variables: Mapping[str, str | None]) -> dict[str, str]:
    """The variables of the child's environment; None removes one that the parent has."""
    return {name: value for name, value in variables.items() if value is not None}


def _pump(process: subprocess.Popen[bytes], events: queue.Queue[bytes]) -> None:
    """Move the child's lines to a queue, so that waiting for one can have a time limit; b'' is the end."""
    assert process.stdout is not None
    with contextlib.suppress(ValueError, OSError):
        for line in process.stdout:
            events.put(line)
    events.put(b"")


def _clear(process: subprocess.Popen[bytes]) -> None:
    """When the child has died, kill what it started: that could hold the pipe open for ever."""
    with contextlib.suppress(ChildProcessError, ProcessLookupError, PermissionError):
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # the group's number stays taken until it is reaped
        os.killpg(process.pid, signal.SIGKILL)


def _end(child: subprocess.Popen[bytes]) -> None:
    """Kill a process, wait for it, and close its pipes."""
    child.kill()
    child.wait()
    for pipe in (child.stdin, child.stdout):
        with contextlib.suppress(OSError):
            if pipe is not None:
                pipe.close()
