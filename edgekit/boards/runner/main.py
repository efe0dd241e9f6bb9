"""The runner: reads the request, lets children do the work, and prints one JSON document.

Exit codes: 0; 1 if the run failed for no fault of the input; 2 for bad input and a model that is refused or
crashes; 3 if numpy or a runtime is missing; 75 if the host is gone; 130 interrupted.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections import namedtuple
from typing import Any, NoReturn, Sequence

from . import arguments, child, document, work
from .arguments import Options
from .host import Host
from .interpreter import NAMES
from .problem import HOST_GONE, HostGoneError, Problem, one_line

_STDIN, _STDOUT, _STDERR = 0, 1, 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run, print, and return the exit code."""
    _open_standard_files()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    host = Host()
    try:
        given = arguments.given(argv)
        if given.request:
            host = Host(_STDIN)
            options = arguments.from_request(host.request())
            host.silence_s = options.silence_s
        elif given.facts:
            host.write(_STDOUT, document.text(_facts(given.runtime, host)))
            return 0
        else:
            options = arguments.from_command_line(given)
        host.write(_STDOUT, document.text(_run(options, host)))
        return 0
    except Problem as problem:
        return _say(problem, host)
    except HostGoneError:
        return HOST_GONE
    except OSError as problem:  # the disk of standard output is full, or no process can be started
        sys.stderr.write(f"the system does not allow it: {one_line(problem)}\n")
        return 1
    except KeyboardInterrupt:
        namedtuple(
            "Nothing", ()
        )  # runs a string: else Python's note of the interrupt may end it by SIGINT, not by the code
        return 130


def _say(problem: Problem, host: Host) -> int:
    try:
        host.write(_STDOUT, document.text(problem.document()))
        host.write(_STDERR, f"{one_line(problem.what, 2000)}\n  next: {problem.next_step}\n".encode("utf-8", "replace"))
    except HostGoneError:
        return HOST_GONE
    except OSError:  # it cannot be printed: the exit code has to do
        pass
    return problem.exit_code


def _open_standard_files() -> None:
    """Open those of the first three descriptors that the caller left closed; otherwise a pipe would get their numbers."""
    while True:
        descriptor = os.open(os.devnull, os.O_RDWR)
        if descriptor > _STDERR:
            os.close(descriptor)
            return


def _stop(number: int, frame: object) -> NoReturn:
    sys.exit(128 + number)


def _facts(asked: str | None, host: Host) -> dict[str, Any]:
    notes: list[str] = []
    found = _with_a_runtime(lambda skip: work.facts(asked, skip), asked, host, _silent, notes)
    return document.facts(found, notes)


def _run(options: Options, host: Host) -> dict[str, Any]:
    model = document.model(options.model)

    def progress(event: dict[str, Any]) -> None:
        if options.progress:
            host.write(_STDERR, json.dumps(event).encode("ascii") + b"\n")

    notes: list[str] = []
    ran = _with_a_runtime(lambda skip: work.runs(options, skip), options.runtime, host, progress, notes)
    memory = None
    if not options.no_memory:
        progress({"event": "progress", "phase": "memory", "done": 0, "total": 1})
        memory = _memory(options, ran["environment"]["runtime"], host, notes)
    return document.document(model, ran, memory, notes)


def _with_a_runtime(job: Any, asked: str | None, host: Host, progress: child.Emit, notes: list[str]) -> Any:
    """The result of a job; if importing a runtime crashes the process, the job is tried again without that runtime."""
    skip: list[str] = []
    while True:
        try:
            return child.run(job(skip), host, progress)
        except Problem as problem:
            if problem.kind != "missing" or not notes:
                raise
            raise Problem("missing", "; ".join([*notes, problem.what]), problem.next_step) from None
        except child.Crashed as crashed:
            if crashed.importing is None:
                raise _crash(crashed) from None
            skip.append(crashed.importing)
            text = f"{NAMES[crashed.importing][1]} crashes this Python when it is imported ({crashed.name})"
            notes.append(text)
            if asked or len(skip) == len(NAMES):
                next_step = "take a version of the runtime that is made for this processor"
                raise Problem("missing", "; ".join(notes), next_step) from None


def _crash(crashed: child.Crashed) -> Problem:
    said = ": " + crashed.said if crashed.said else ""
    if crashed.name == "SIGKILL":
        what = "the run was killed from outside (SIGKILL), as the system does where memory runs out" + said
        return Problem("killed", what, "see whether the device has memory to spare, then run it again")
    what = f"the runtime crashed on this model ({crashed.name}){said}"
    return Problem("crash", what, "see whether the file is whole; try --delegate none, or another runtime")


def _memory(options: Options, runtime: str, host: Host, notes: list[str]) -> dict[str, Any] | None:
    """The memory, or None and a note: its failure does not lose the measured times."""
    try:
        found: dict[str, Any] | None = child.run(work.memory_of(options, runtime), host, _silent)
    except Problem as problem:
        notes.append("memory was not measured: " + problem.what)
        return None
    except child.Crashed as crashed:
        notes.append(f"memory was not measured: its process died of {crashed.name}")
        return None
    if found is None:
        notes.append("memory was not measured: this system has no /proc/self/status")
    return found


def _silent(event: dict[str, Any]) -> None:
    return None
