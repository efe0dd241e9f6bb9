"""The versions of packages in the Python of another environment, asked in a process that is bounded in time and in output.

What is named may be anything that starts: a Python of any version, a script, a program that never ends. Nothing but the standard library is imported there.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Sequence

ASKED = """
import json, sys
found = {"python": ".".join(map(str, sys.version_info[:3]))}
try:
    from importlib import metadata
except ImportError:
    metadata = None
for name in sys.argv[1:]:
    try:
        found[name] = str(metadata.version(name) or "")
    except Exception:
        pass
sys.stdout.write("\\n" + json.dumps(found) + "\\n")
"""
"""It runs on Python 2.7 too, so that such a one is told by its version."""
MOST_BYTES = 65536
"""Of what is written before the answer, a greeting or warnings."""


class NoAnswer(Exception):
    """No Python answered: the message says what happened instead; `started` whether the program could be started at all."""

    def __init__(self, said: str, *, started: bool = True) -> None:
        super().__init__(said)
        self.started = started


def ask(python: str, packages: Sequence[str], limit_s: float) -> dict[str, str]:
    """The version of a Python, as `python`, and of each package that is installed there, empty where its metadata has none; raises `NoAnswer`."""
    try:
        process = subprocess.Popen(
            [python, "-c", ASKED, *packages],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as problem:
        raise NoAnswer(problem.strerror or str(problem), started=False) from None
    with process:
        try:
            said, code = _heard(process, limit_s)
        finally:
            _end(process)
    found = _answer(said)
    if found is None:
        raise NoAnswer(_instead(said, code, limit_s))
    return found


def _heard(process: subprocess.Popen[bytes], limit_s: float) -> tuple[bytes, int | None]:
    """What the program writes, up to the limit of bytes, and its exit code; None where it did not end in time."""
    assert process.stdout is not None
    deadline, said = time.monotonic() + limit_s, b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while len(said) < MOST_BYTES:
            if not selector.select(max(0.0, deadline - time.monotonic())):
                return said, None
            block = os.read(process.stdout.fileno(), MOST_BYTES - len(said))
            if not block:
                break
            said += block
    with contextlib.suppress(subprocess.TimeoutExpired):
        return said, process.wait(0 if len(said) == MOST_BYTES else max(0.0, deadline - time.monotonic()))
    return said, None


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the program and what it started; its group has its number, which stays taken until it is waited for."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


def _answer(said: bytes) -> dict[str, str] | None:
    """The last line that is an answer; a Python may greet before it and warn after it."""
    for line in reversed(said.decode(errors="replace").splitlines()):
        with contextlib.suppress(ValueError, RecursionError):
            found = json.loads(line)
            if isinstance(found, dict) and isinstance(found.get("python"), str):
                return {str(name): str(version) for name, version in found.items()}
    return None


def _instead(said: bytes, code: int | None, limit_s: float) -> str:
    """What happened in the place of an answer."""
    lines = [line.strip() for line in said.decode(errors="replace").splitlines() if line.strip()]
    last = f", and wrote last: {ascii(lines[-1])[1:-1][:160]}" if lines else ", and wrote nothing"
    if len(said) == MOST_BYTES:
        return f"it wrote without end{last.removeprefix(', and wrote last')}"
    if code is None:
        return f"it did not end within {limit_s:g} s{last}"
    return f"it ended with {f'signal {-code}' if code < 0 else f'exit code {code}'}{last}"
