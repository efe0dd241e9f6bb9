"""A board that has a POSIX shell: its facts, and a run in a private folder there, however it is reached.

The programs that the board runs are constant (`scripts`); whatever varies is sent to them as lines. A `Way` says how a
program is started there, how files get there, and what errors of the connection mean.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import msgspec

from edgekit.boards import scripts
from edgekit.boards.channel import Channel, Ended, TooLate, TooMuch
from edgekit.boards.transport import Facts, Ran, Task
from edgekit.errors import DeviceError, EdgekitError
from edgekit.progress import Progress
from edgekit.units import format_size

FACTS_S = 60.0
MOST_FACTS_BYTES = 64 * 2**10
MOST_DOCUMENT_BYTES = 4 * 2**20
MOST_OUTPUT_BYTES = 256 * 2**20
MOST_OUTPUTS = 64
MOST_LETTERS = 300
FETCH_S = 300.0
NO_PLACE = 73
_FOLDER = re.compile(r"/[A-Za-z0-9._/-]{1,200}")
_OUTPUT = re.compile(r"output-[0-9]{1,4}\.npy")
_ENDED = re.compile(rb"edgekit-ended ([0-9]{1,3})")
_NUMBERS = {"bits": 1, "memory_kib": 1024, "disk_kib": 1024}


class Way(Protocol):
    """How a board is reached: the part of a transport that differs."""

    address: str

    def command(self, script: str) -> list[str]:
        """The local command that runs a constant program in the board's shell, connected to its input and output."""
        ...

    def put(self, task: Task, folder: str, deadline: float) -> None:
        """Copy the task's files into a folder of the board; raises `DeviceError`."""
        ...

    def explain(self, code: int, log: str) -> EdgekitError | None:
        """What an exit of the command with `code` and `log` means; None if it says nothing about the connection."""
        ...


def read_facts(way: Way, python: str | None) -> Facts:
    """The facts of a board; raises `DeviceError` if it cannot be reached or its answer makes no sense."""
    deadline = time.monotonic() + FACTS_S
    with (
        _limits_as_errors(way, "the board's facts"),
        Channel(way.command(scripts.FACTS), deadline=deadline, most_bytes=MOST_FACTS_BYTES) as channel,
        _explained(way, channel),
    ):
        channel.send(f"{python or ''}\n".encode())
        lines: list[str] = []
        while not lines or lines[-1] != "end=facts":
            lines.append(_plain(channel.line()))
    return _facts(way, lines)


def run(way: Way, task: Task, progress: Progress) -> Ran:
    """Run a task in a private folder of the board, which is deleted afterwards.

    Raises `DeviceError` if the connection is lost, the disk is full, the time is up, or the answer is too large.
    """
    deadline = time.monotonic() + task.time_limit_s
    with (
        _limits_as_errors(way, f"the run within {task.time_limit_s:g} s"),
        Channel(
            way.command(scripts.RUN),
            deadline=deadline,
            most_bytes=MOST_DOCUMENT_BYTES,
            hear=_progress_listener(progress),
        ) as channel,
        _explained(way, channel),
    ):
        channel.send(f"{task.python}\n".encode())
        folder = _folder(channel)
        channel.keep_alive()
        way.put(task, folder, deadline)
        channel.send(b"run\n" + json.dumps(task.request).encode() + b"\n")
        document, code = _document(channel)
        outputs = _fetch(way, folder, task.into, deadline) if code == 0 else {}
        channel.send(b"end\n")
        channel.end_input()
        channel.wait()
        return Ran(document=document, exit_code=code, log=_plain_lines(channel.log), outputs=outputs)


def _facts(way: Way, lines: list[str]) -> Facts:
    """The facts in the lines; raises `DeviceError` if they do not even name the machine."""
    said: dict[str, str] = {}
    problems = []
    for line in lines:
        name, separator, text = line.partition("=")
        if separator and name == "problem":
            problems.append(text[:MOST_LETTERS])
        elif separator and re.fullmatch("[a-z_]+", name):
            said.setdefault(name, text[:MOST_LETTERS].strip())
    numbers = {
        name: int(said[name]) * scale
        for name, scale in _NUMBERS.items()
        if re.fullmatch("[0-9]{1,12}", said.get(name, ""))
    }
    if "machine" not in said:
        raise DeviceError(
            "the board's answer makes no sense", where=way.address, received=" ".join(lines)[:MOST_LETTERS]
        )
    version = re.fullmatch(r"(\d{1,3})\.(\d{1,3})\.(\d{1,3})", said.get("python_version", ""))
    if "absent" in said:
        problems.append(f"there is no {said['absent']}")
    if "broken" in said:
        problems.append(f"{said.get('python', 'its Python')} does not start: it ended with {said['broken']}")
    return Facts(
        system=said.get("system", ""),
        machine=said["machine"],
        name=said.get("name") or None,
        python=said.get("python") or None,
        python_version=(int(version[1]), int(version[2]), int(version[3])) if version else None,
        bits=numbers.get("bits"),
        numpy=said.get("numpy"),
        runtimes={name: said[name] for name in ("litert", "tflite_runtime") if name in said},
        problems=tuple(problems[:8]),
        memory_bytes=numbers.get("memory_kib"),
        disk_bytes=numbers.get("disk_kib"),
        is_android="android" in said,
    )


def _folder(channel: Channel) -> str:
    """The private folder that was made; lines printed by a login before that are skipped."""
    while True:
        line = _plain(channel.line())
        if line.startswith("edgekit-folder "):
            folder = line.removeprefix("edgekit-folder ")
            if not _FOLDER.fullmatch(folder) or ".." in folder or "/edgekit-" not in folder:
                raise DeviceError(
                    "the board's temporary folder has a name that edgekit does not handle",
                    received=repr(folder[:MOST_LETTERS]),
                    allowed="letters, digits, '.', '_', '-' and '/'",
                    next_step="set TMPDIR on the board to another folder",
                )
            return folder


def _document(channel: Channel) -> tuple[bytes, int]:
    """What the runner printed, and its exit code."""
    lines: list[bytes] = []
    while True:
        line = channel.line()
        ended = _ENDED.fullmatch(line)
        if ended:
            return b"\n".join(lines).strip(), int(ended[1])
        lines.append(line)


def _fetch(way: Way, folder: str, into: Path, deadline: float) -> dict[str, Path]:
    """The files of the outputs, by their names on the board, in a folder of this machine."""
    found: dict[str, Path] = {}
    limit = min(deadline, time.monotonic() + FETCH_S)
    with (
        Channel(way.command(scripts.FETCH), deadline=limit, most_bytes=MOST_OUTPUT_BYTES) as channel,
        _explained(way, channel),
    ):
        channel.send(f"{folder}\n".encode())
        channel.end_input()
        while (header := _header(channel)) is not None:
            name, size = header
            if name in found or len(found) == MOST_OUTPUTS:
                raise TooMuch
            found[name] = into / name
            found[name].write_bytes(channel.exactly(size))
    return found


def _header(channel: Channel) -> tuple[str, int] | None:
    """Name and size of the next output; None after the last."""
    try:
        line = _plain(channel.line())
    except Ended as ended:
        if ended.code == 0:
            return None
        raise
    name, _, size = line.partition(" ")
    if not _OUTPUT.fullmatch(name) or not re.fullmatch("[0-9]{1,10}", size):
        raise DeviceError("an output that makes no sense came back", received=repr(line[:MOST_LETTERS]))
    if int(size) > MOST_OUTPUT_BYTES:
        raise TooMuch
    return name, int(size)


@contextlib.contextmanager
def _explained(way: Way, channel: Channel) -> Iterator[None]:
    """Turn an early end into an error: by the message of the connecting program, else by its exit code."""
    try:
        yield
    except Ended as ended:
        log = _plain_lines(channel.log)
        problem = way.explain(ended.code, log)
        if problem is not None:
            raise problem from None
        if ended.code == NO_PLACE:
            raise DeviceError(
                "the board has no place for temporary files: its disk is full, or it cannot be written",
                where=way.address, received=_last(log), next_step="make room there, or set TMPDIR to another folder",
            ) from None  # fmt: skip
        raise DeviceError(
            "the connection to the board was lost", where=way.address, received=_last(log) or f"ended with {ended.code}"
        ) from None


@contextlib.contextmanager
def _limits_as_errors(way: Way, what: str) -> Iterator[None]:
    """Turn a board that hangs, and one that sends too much, into errors of their own."""
    try:
        yield
    except TooLate:
        raise DeviceError(
            f"the board did not finish {what}",
            where=way.address,
            next_step="see whether it hangs or is busy; --time-limit gives it longer",
        ) from None
    except TooMuch:
        raise DeviceError(
            "the board sent more than an answer may have",
            where=way.address,
            allowed=f"{format_size(MOST_DOCUMENT_BYTES)} of document, {MOST_OUTPUTS} outputs of {format_size(MOST_OUTPUT_BYTES)}",
        ) from None


class _Event(msgspec.Struct):
    """A line of progress; unknown fields of a later runner are ignored."""

    event: str
    phase: str
    done: float
    total: float


def _progress_listener(progress: Progress) -> Callable[[bytes], None]:
    """A callable that turns lines of the runner's standard error into progress."""

    def hear(line: bytes) -> None:
        if not line.startswith(b'{"event"'):
            return
        with contextlib.suppress(msgspec.MsgspecError):
            event = msgspec.json.decode(line, type=_Event)
            if event.event == "progress" and 0 <= event.done <= 10**9 and 0 <= event.total <= 10**9:
                progress(_plain(event.phase.encode())[:40], int(event.done), round(event.total))

    return hear


def _plain(line: bytes) -> str:
    """A line as text that is safe for a terminal."""
    text = line[: 4 * MOST_LETTERS].decode(errors="replace").rstrip("\r")
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _plain_lines(log: str) -> str:
    return "\n".join(_plain(line.encode()) for line in log.splitlines())


def _last(log: str) -> str | None:
    """The last line that is not progress."""
    lines = [line for line in log.splitlines() if line.strip() and not line.startswith('{"event"')]
    return lines[-1][:MOST_LETTERS] if lines else None
