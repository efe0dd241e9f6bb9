"""Starts programs on an emulated board: a folder for its root, a `python` that runs under the emulator, a time limit.

The board's root is a folder of links into the sysroot beside the few files of `/proc` and `/sys` that describe its
processor, so one sysroot serves every board of an architecture and is never written to. What the programs do is not
known here.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO

import msgspec

from edgekit.boards import rows as program
from edgekit.boards.emulator.processors import Architecture, Board
from edgekit.boards.emulator.sysroot import PYTHON
from edgekit.boards.facts_of_board import TITLES
from edgekit.boards.transport import MODEL_NAME, RUNNER
from edgekit.errors import InterruptedBuild
from edgekit.jobs.worker import GUARD, is_stopping
from edgekit.values import Value

PYTHON_NAME = "python"
BOARD_NAME = "board"
LINKED = ("usr", "lib", "etc")
MOST_ANSWER_BYTES = 2**20
LOG_BYTES = 2000
LOOK_EVERY_S = 0.5
MOST_OUTPUTS = 1000


class Rows(Value):
    """The result of running a model on many inputs: `.npy` files with a row a sample, or the problem in a sentence.

    `crashed` says that a signal ended the process, `late` that it was stopped at its time limit: neither tells the cause.
    """

    inputs: tuple[Path, ...] = ()
    outputs: tuple[Path, ...] = ()
    samples: int = 0
    runtime: str = ""
    seconds: float = 0.0
    problem: str | None = None
    crashed: bool = False
    late: bool = False


class _Answer(Value):
    """The line that `rows.py` prints: what it ran, or the error."""

    error: str | None = None
    runtime: str = ""
    version: str = ""
    samples: int = 0
    outputs: int = 0


class Machine:
    """An emulated board, or this machine itself if `root` is None: both run the same programs.

    `compiles` lets its Python write bytecode beside the modules in `root`, which is for making a sysroot.
    """

    def __init__(
        self,
        root: Path | None = None,
        architecture: Architecture | None = None,
        board: Board | None = None,
        *,
        compiles: bool = False,
    ) -> None:
        self._root = root
        if root is not None and board is None:
            assert architecture is not None
            board = Board(
                device="", title="a board", architecture=architecture, core=architecture.default, cores=4, runtime=""
            )
        self._board, self._compiles = board, compiles

    def install(self, folder: Path) -> Path:
        """Write `python` and the board's root into a folder; returns the path of the `python` to start."""
        if self._root is None or self._board is None:
            return Path(sys.executable)
        place = folder / BOARD_NAME
        place.mkdir()
        for name in LINKED:
            (place / name).symlink_to(self._root / name)
        for name, text in self._board.files().items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_text(text, encoding="utf-8")
        emulator = shutil.which(self._board.architecture.qemu) or self._board.architecture.qemu
        command = [emulator, "-cpu", self._board.cpu.qemu]
        python = folder / PYTHON_NAME
        python.write_text(
            "#!/bin/sh\n"
            "# nothing of this machine's own settings may reach the board: no PYTHONPATH, no LD_PRELOAD\n"
            'here=$(cd "$(dirname "$0")" && pwd) || exit 70\n'
            'exec env -i PATH=/usr/bin:/bin HOME="$here" TMPDIR="$here" LC_ALL=C.UTF-8 '
            f'{"" if self._compiles else "PYTHONDONTWRITEBYTECODE=1 "}{shlex.join(command)} -L "$here/{BOARD_NAME}" {shlex.quote(str(self._root / PYTHON))} "$@"\n',
            encoding="utf-8",
            errors="surrogateescape",
        )
        python.chmod(0o700)
        return python

    def warm_up(self) -> None:
        """Start the runner once, so that its Python's bytecode exists the next time; its output is ignored."""
        with tempfile.TemporaryDirectory(prefix="edgekit-emulated-") as temporary:
            folder = Path(temporary)
            _finished([str(self.install(folder)), str(RUNNER.absolute()), "--facts"], b"", folder, 120)

    def rows(
        self,
        model: Path,
        *,
        runtime: str,
        threads: int,
        time_limit_s: float,
        samples: int = 0,
        inputs: tuple[Path, ...] = (),
        into: Path | None = None,
    ) -> Rows:
        """Run a model on the rows of `inputs`, else on `samples` random ones, which it makes.

        The outputs (and the random inputs) go to the existing folder `into`; without one, they are checked to exist and
        then deleted, and the result names none of them.
        """
        with tempfile.TemporaryDirectory(prefix="edgekit-emulated-") as temporary:
            folder = Path(temporary)
            kept = into or folder
            (folder / MODEL_NAME).symlink_to(model.absolute())
            request = {
                "model": str(folder / MODEL_NAME), "runtime": runtime, "threads": threads, "folder": str(kept.absolute()),
                "samples": samples, "inputs": [str(path.absolute()) for path in inputs],
            }  # fmt: skip
            started = time.monotonic()
            code, said, log = _finished(
                [str(self.install(folder)), str(Path(program.__file__).absolute()), str(RUNNER.absolute())],
                msgspec.json.encode(request) + b"\n", folder, time_limit_s,
            )  # fmt: skip
            seconds = time.monotonic() - started
            if code is None:
                return Rows(problem=f"it did not finish within {time_limit_s:.0f} s", late=True, seconds=seconds)
            if code not in (0, 2):
                return Rows(problem=_death(code, log), crashed=True, seconds=seconds)
            found = _read(said, kept, inputs, seconds)  # while the outputs are there
        return found if into is not None else msgspec.structs.replace(found, inputs=inputs, outputs=())


def _finished(command: list[str], request: bytes, folder: Path, time_limit_s: float) -> tuple[int | None, bytes, str]:
    """Exit code (None: stopped at its time limit), output and last lines of a program in a process group of its own.

    The group is killed at the time limit, when this process is interrupted, and when it dies (`jobs.GUARD`).
    """
    with (folder / "said").open("w+b") as said, (folder / "log").open("w+b") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=said, stderr=log, cwd=folder, start_new_session=True
        )
        guard = subprocess.Popen(
            [*GUARD, str(process.pid)], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
        )
        code: int | None = None
        try:
            with contextlib.suppress(BrokenPipeError):
                assert process.stdin is not None
                process.stdin.write(request)  # fits into a pipe, so it cannot block
                process.stdin.close()
            code = _waited(process, time_limit_s)
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            guard.kill()
            guard.wait()
            for pipe in (process.stdin, guard.stdin):
                with contextlib.suppress(OSError):
                    if pipe is not None:
                        pipe.close()
        return code, _begin(said), _tail(log)


def _waited(process: subprocess.Popen[bytes], time_limit_s: float) -> int | None:
    """The exit code; None at the time limit. Raises `InterruptedBuild` if the build is being stopped."""
    deadline = time.monotonic() + time_limit_s
    while (left := deadline - time.monotonic()) > 0:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(timeout=min(left, LOOK_EVERY_S))
        if is_stopping():
            raise InterruptedBuild("interrupted")
    return None


def _read(said: bytes, folder: Path, inputs: tuple[Path, ...], seconds: float) -> Rows:
    """The program's answer, checked for its types and for the files that it must have written."""
    last = said.strip().rpartition(b"\n")[2]  # native code may have printed lines before it
    try:
        answer = msgspec.json.decode(last, type=_Answer)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Rows(problem="it ended without an answer", crashed=True, seconds=seconds)
    if answer.error is not None:
        return Rows(problem=answer.error[:500], seconds=seconds)
    outputs = tuple(folder / f"output-{place}.npy" for place in range(min(answer.outputs, MOST_OUTPUTS + 1)))
    whole = 0 < len(outputs) <= MOST_OUTPUTS and all(path.is_file() for path in outputs)
    if answer.runtime not in TITLES or not whole:
        return Rows(problem="it ended without its outputs", crashed=True, seconds=seconds)
    made = inputs or tuple(sorted(folder.glob("input-*.npy"), key=lambda path: int(path.stem.partition("-")[2])))
    return Rows(
        inputs=made, outputs=outputs, samples=answer.samples, seconds=seconds,
        runtime=f"{TITLES[answer.runtime]} {answer.version}",
    )  # fmt: skip


def _death(code: int, log: str) -> str:
    """How a program ended that gave no answer; a shell adds 128 to a signal's number."""
    number = -code if code < 0 else code - 128
    with contextlib.suppress(ValueError):
        return f"it crashed ({signal.Signals(number).name})"
    return f"it ended with {code}: {log or 'it said nothing'}"


def _begin(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read(MOST_ANSWER_BYTES)


def _tail(file: IO[bytes]) -> str:
    """The last line of a program's messages."""
    end = file.seek(0, os.SEEK_END)
    file.seek(max(0, end - LOG_BYTES))
    lines = [line.strip() for line in file.read().decode(errors="replace").splitlines() if line.strip()]
    return "".join(letter if letter.isprintable() else "?" for letter in lines[-1])[:300] if lines else ""
