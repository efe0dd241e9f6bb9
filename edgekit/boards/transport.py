"""What every way to a board has in common: the facts of the board, a task for the runner, and what came back.

`address` names the ways; each is one file with one class. It knows neither what the runner measures nor how a board
is reached.
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
    """What a board says of itself before anything is copied to it; None where it does not say.

    `machine` is what `uname -m` prints, `bits` the width of its Python (32 on a 64-bit kernel with a 32-bit system).
    `python` is the interpreter that was found, `runtimes` the versions of those of `litert` and `tflite_runtime` that
    it imports, `problems` why one that is installed does not. Memory and disk are what is free, in bytes, the disk
    where temporary files go.
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
    """One run of the runner: files that go to the board, the request that is its one line of input, a limit of time.

    `request` names the files as they are called there, beside the runner: `model.tflite`, `input-0.npy`, ... and the
    folder `outputs`. `into` is an existing folder of this machine for the outputs.
    """

    model: Path
    request: dict[str, Any]
    into: Path
    python: str
    time_limit_s: float
    inputs: tuple[Path, ...] = ()

    def files(self) -> dict[str, Path]:
        """What is copied: the name that it gets on the board, and the file here."""
        inputs = {input_name(place): path for place, path in enumerate(self.inputs)}
        return {RUNNER_NAME: RUNNER, MODEL_NAME: self.model, **inputs}


class Ran(Value):
    """What came back: the document as bytes, the runner's exit code, its last lines, and the outputs' files by name."""

    document: bytes
    exit_code: int
    log: str = ""
    outputs: dict[str, Path] = {}


class Transport(Protocol):
    """A way to a board; everything that it starts there is gone when a method returns or raises."""

    address: str
    """As the user wrote it, as in 'ssh://pi@board'."""

    def facts(self, python: str | None) -> Facts:
        """What the board says of itself; `python` is the interpreter that the user asks for.

        Raises `DeviceError` where it cannot be reached or gives no sensible answer, `MissingExtraError` where this
        machine lacks the program that reaches it.
        """
        ...

    def run(self, task: Task, progress: Progress) -> Ran:
        """Copy, run, bring back, remove. Raises `DeviceError` for all that goes wrong between the two machines."""
        ...


def input_name(place: int) -> str:
    """What the file of an input is called on the board."""
    return f"input-{place}.npy"
