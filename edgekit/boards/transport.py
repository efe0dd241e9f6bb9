"""What every way to a board has in common: the facts of the board, a task for the runner, and its result.

`address` names the ways; each is one file with one class. What the runner measures, and how a board is reached, is not
known here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from edgekit.progress import Progress
from edgekit.values import Value

RUNNER = Path(__file__).parent / "edgekit-bench.pyz"
RUNNER_NAME = "edgekit-bench.pyz"
MODEL_NAME = "model.tflite"
OUTPUTS_NAME = "outputs"


class Facts(Value):
    """The facts of a board before anything is copied to it; None for what it does not tell.

    `machine` is what `uname -m` prints, `bits` the width of its Python (32 on a 64-bit kernel with a 32-bit system).
    `python` is the interpreter that was found, `runtimes` the versions of those of `litert` and `tflite_runtime` that
    it can import, `problems` why an installed one cannot be imported. Memory and disk are free bytes, the disk's where
    temporary files go.
    """

    system: str
    machine: str
    name: str | None = None
    python: str | None = None
    python_version: tuple[int, int, int] | None = None
    bits: int | None = None
    numpy: str | None = None
    runtimes: dict[str, str] = {}
    problems: tuple[str, ...] = ()
    memory_bytes: int | None = None
    disk_bytes: int | None = None
    is_android: bool = False
    emulated: bool = False


class Task(Value):
    """One run of the runner: files that go to the board, the request that is its one line of input, a time limit.

    `request` uses the files' names on the board, beside the runner: `model.tflite`, `input-0.npy`, ... and the
    folder `outputs`. `into` is an existing folder of this machine for the outputs.
    """

    model: Path
    request: dict[str, Any]
    into: Path
    python: str
    time_limit_s: float
    inputs: tuple[Path, ...] = ()

    def files(self) -> dict[str, Path]:
        """What is copied: each file's name on the board, and its path here."""
        inputs = {input_name(place): path for place, path in enumerate(self.inputs)}
        return {RUNNER_NAME: RUNNER, MODEL_NAME: self.model, **inputs}


class Ran(Value):
    """The result of a run: the document as bytes, the runner's exit code, its last lines, and the outputs' files by name."""

    document: bytes
    exit_code: int
    log: str = ""
    outputs: dict[str, Path] = {}


class Transport(Protocol):
    """A way to a board; when a method returns or raises, nothing that it started there still exists."""

    address: str
    """The address as the user wrote it, as in 'ssh://pi@board'."""

    def facts(self, python: str | None) -> Facts:
        """The facts of the board; `python` is the interpreter that the user asks for.

        Raises `DeviceError` if it cannot be reached or gives no sensible answer, `MissingExtraError` if this
        machine lacks the program that reaches it.
        """
        ...

    def run(self, task: Task, progress: Progress) -> Ran:
        """Copy, run, fetch the results, clean up. Raises `DeviceError` for all that goes wrong between the two machines."""
        ...


def input_name(place: int) -> str:
    """The name of an input's file on the board."""
    return f"input-{place}.npy"
