"""Does the work in a child process, so that a crash of native code is reported and does not end the runner.

The child is a fork and not a new program, because under user-space emulation the system could not start one. It dies
with its parent, and the parent kills it if the host is gone.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
from typing import Any, Callable, Dict, NoReturn

from .host import Host
from .problem import Problem, one_line

Emit = Callable[[Dict[str, Any]], None]
_LONGEST = 64 << 20
_TAIL = 4096
_PR_SET_PDEATHSIG = 1  # prctl(2)


class Crashed(Exception):
    """A signal ended the child; `importing` is the runtime that it was importing, if any."""

    def __init__(self, number: int, importing: str | None, said: str) -> None:
        super().__init__(number)
        self.number = number
        self.importing = importing
        self.said = said

    @property
    def name(self) -> str:
        try:
            return signal.Signals(self.number).name
        except ValueError:
            return f"signal {self.number}"


def run(job: Callable[[Emit], Any], host: Host, progress: Emit) -> Any:
    """The result of `job`, passed as JSON; raises the `Problem` that it raised, or `Crashed`."""
    events, events_in = os.pipe()
    errors, errors_in = os.pipe()
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        _work(job, parent, events_in, errors_in, (events, errors))
    os.close(events_in)
    os.close(errors_in)
    status = None
    try:
        answer, importing, said = _listen(events, errors, host, progress)
        status = os.waitpid(child, 0)[1]
    finally:
        os.close(events)
        os.close(errors)
        if status is None:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    if answer is not None and "error" in answer:
        raise Problem(*answer["error"])
    if answer is not None and "value" in answer:
        return answer["value"]
    if os.WIFSIGNALED(status):
        raise Crashed(os.WTERMSIG(status), importing, said)
    raise Problem("failed", "the runner's child ended without an answer: " + said, "run it again")


def _listen(events: int, errors: int, host: Host, progress: Emit) -> tuple[dict[str, Any] | None, str | None, str]:
    """The answer, the runtime whose import was begun but not finished, and the end of native code's messages."""
    buffer = b""
    tail = b""
    answer: dict[str, Any] | None = None
    importing: str | None = None
    opened = [events, errors]
    while events in opened:
        for ready in host.wait(opened):
            data = os.read(ready, 1 << 16)
            if not data:
                opened.remove(ready)
            elif ready == errors:
                tail = (tail + data)[-_TAIL:]
            else:
                buffer += data
        lines = buffer.split(b"\n")
        buffer = lines.pop()
        if len(buffer) > _LONGEST:
            raise Problem("failed", "the runner's child answered without an end", "run it again")
        for line in lines:
            event = json.loads(line.decode("utf-8"))
            if "importing" in event:
                importing = event["importing"]
            elif "event" in event:
                progress(event)
            else:
                answer = event
    return answer, importing, one_line(tail.decode("utf-8", "replace"))


def _work(job: Callable[[Emit], Any], parent: int, events: int, errors: int, others: tuple[int, int]) -> NoReturn:
    """The child's side: run the job, answer, and never return."""
    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        os.setsid()  # so that an interrupt at the terminal reaches only the parent
        _die_with(parent)
        for descriptor in others:
            os.close(descriptor)
        os.dup2(os.open(os.devnull, os.O_RDWR), 0)
        os.dup2(errors, 1)  # native code writes to both streams
        os.dup2(errors, 2)

        def emit(event: dict[str, Any]) -> None:
            _write(events, json.dumps(event, allow_nan=False).encode("ascii") + b"\n")

        emit(_answer(job, emit))
    finally:
        os._exit(0)


def _answer(job: Callable[[Emit], Any], emit: Emit) -> dict[str, Any]:
    try:
        return {"value": job(emit)}
    except Problem as problem:
        error: list[str] = [problem.kind, problem.what, problem.next_step]
    except MemoryError:
        error = ["memory", "there is not enough memory for this model", "free some memory, or take a smaller model"]
    except Exception as problem:
        error = ["failed", f"{type(problem).__name__}: {one_line(problem)}", "report it as a bug of edgekit"]
    return {"error": error}


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _die_with(parent: int) -> None:
    """Be killed when the parent dies, even if native code never returns to Python."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)
