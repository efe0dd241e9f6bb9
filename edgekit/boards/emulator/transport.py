"""An emulated board as a way to run the runner: the sysroot's Python under QEMU, in a private folder of this machine.

An emulator can tell whether a file loads on a runtime and architecture, which operators exist, the outputs, and the
memory needed. Its times say nothing about the board, so no times are asked for; the clock, temperature and load that the
runner reads are this machine's, and are removed.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from edgekit.boards import shell
from edgekit.boards.emulator.processors import board
from edgekit.boards.emulator.qemu import PYTHON_NAME, Machine
from edgekit.boards.emulator.sysroot import emulator_version, find_sysroot
from edgekit.boards.facts_of_board import TITLES
from edgekit.boards.local import copy_here, not_copied
from edgekit.boards.transport import Facts, Ran, Task
from edgekit.devices.profile import DeviceProfile
from edgekit.errors import EdgekitError, InputError
from edgekit.progress import Progress

NO_TIMES = {"no_timing": True, "sustained": None}
# What the runner reads from the system, which is this machine's: pairs of before and after, and plain figures.
PAIRS = ("clocks_hz", "temperature_c", "throttled", "load_average")
PLAIN = ("governor", "memory_total_bytes", "memory_available_bytes")
NOTE = (
    "emulated: no times; clock, temperature, load and free memory would be those of the machine that emulates, and the "
    "memory of the process is the emulator's too"
)
_BUSY = "the device was busy"


class Emulator:
    """The board of a profile, emulated.

    Raises `InputError` for a device that cannot be emulated, and `MissingExtraError` if the sysroot or QEMU is missing.
    """

    address = "emulator"

    def __init__(self, profile: DeviceProfile) -> None:
        self.board = board(profile)
        self.version = emulator_version(self.board.architecture)
        self.sysroot = find_sysroot(self.board.architecture)
        self.machine = Machine(self.sysroot.folder, board=self.board)

    @property
    def runtime(self) -> str:
        """The runtime that is used: the board's own if it runs here, else another one that does."""
        runtimes = self.sysroot.manifest.runtimes
        return self.board.runtime if self.board.runtime in runtimes else next(iter(runtimes))

    @property
    def title(self) -> str:
        """What runs, and where: 'LiteRT 2.3.0 under qemu-aarch64 7.2.22, Cortex-A72'."""
        version, board = self.sysroot.manifest.runtimes[self.runtime], self.board
        core = f"{board.core} in place of {board.stands_for}" if board.stands_for else board.core
        alone = ", without its NPU" if board.has_npu else ""
        return f"{TITLES[self.runtime]} {version} under {board.architecture.qemu} {self.version}, {core}{alone}"

    @property
    def is_own_runtime(self) -> bool:
        """Whether the runtime that is used is of the board's kind."""
        return self.runtime == self.board.runtime

    def facts(self, python: str | None) -> Facts:
        """The facts in the sysroot's manifest; raises `InputError` if another Python is asked for."""
        if python is not None:
            raise InputError(
                "an emulated board has one Python, its sysroot's", where="--python", received=python, next_step="leave it out"
            )  # fmt: skip
        manifest = self.sysroot.manifest
        first, second, third = (int(part) for part in manifest.python.split("."))
        return Facts(
            system="Linux",
            machine=self.board.architecture.name,
            name=f"{self.board.title}, emulated",
            python=f"./{PYTHON_NAME}",
            python_version=(first, second, third),
            bits=64 if self.board.architecture.name == "aarch64" else 32,
            numpy=manifest.numpy,
            runtimes=manifest.runtimes,
            problems=manifest.problems,
            disk_bytes=shutil.disk_usage(tempfile.gettempdir()).free,
            emulated=True,
        )

    def run(self, task: Task, progress: Progress) -> Ran:
        """Run a task without measuring times; raises `DeviceError`."""
        request = {**task.request, **NO_TIMES}
        ran = shell.run(self, msgspec.structs.replace(task, request=request), progress)
        return msgspec.structs.replace(ran, document=_of_the_board(ran.document))

    def command(self, script: str) -> list[str]:
        return ["/bin/sh", "-c", script]

    def put(self, task: Task, folder: str, deadline: float) -> None:
        copy_here(task, folder)
        try:
            self.machine.install(Path(folder))
        except OSError as problem:
            raise not_copied(folder, problem) from None

    def explain(self, code: int, log: str) -> EdgekitError | None:
        return None


def _of_the_board(document: bytes) -> bytes:
    """A document without this machine's figures; bytes that are not a document are unchanged."""
    try:
        found: dict[str, Any] = msgspec.json.decode(document, type=dict[str, Any])
    except msgspec.MsgspecError:
        return document
    environment = found.get("environment")
    if not isinstance(environment, dict):
        return document
    nothing = {"before": None, "after": None}
    here = {name: nothing for name in PAIRS if name in environment} | {
        name: None for name in PLAIN if name in environment
    }
    notes = [note for note in found.get("notes", ()) if not str(note).startswith(_BUSY)]
    # `no_timing` leaves these empty; they are cleared here as well, not to depend on the runner
    timeless = {"latency": None, "load_ms": None, "first_ms": None, "sustained": None}
    return msgspec.json.encode({**found, **timeless, "environment": environment | here, "notes": [*notes, NOTE]})
