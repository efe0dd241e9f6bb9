"""This machine as a board: the same programs and the same runner, in a private temporary folder."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from edgekit.boards import shell
from edgekit.boards.transport import Facts, Ran, Task
from edgekit.errors import DeviceError, EdgekitError
from edgekit.progress import Progress


class Local:
    """Runs the runner here, by the Python that edgekit runs in unless another is named."""

    address = "local"

    def facts(self, python: str | None) -> Facts:
        """What this machine says of itself; raises `DeviceError` where the interpreter that is named does not answer."""
        return shell.read_facts(self, python or sys.executable)

    def run(self, task: Task, progress: Progress) -> Ran:
        """Run a task in a folder of its own, which is gone afterwards; raises `DeviceError`."""
        return shell.run(self, task, progress)

    def command(self, script: str) -> list[str]:
        return ["/bin/sh", "-c", script]

    def put(self, task: Task, folder: str, deadline: float) -> None:
        copy_here(task, folder)

    def explain(self, code: int, log: str) -> EdgekitError | None:
        return None


def copy_here(task: Task, folder: str) -> None:
    """Copy a task's files into a folder of this machine; raises `DeviceError`."""
    try:
        for name, path in task.files().items():
            shutil.copyfile(path, Path(folder) / name)
    except OSError as problem:
        raise not_copied(folder, problem) from None


def not_copied(folder: str, problem: OSError) -> DeviceError:
    """The error of a folder that takes no files."""
    return DeviceError(
        "the files cannot be copied to the temporary folder",
        where=folder,
        received=problem.strerror or str(problem),
        next_step="make room there, or set TMPDIR to another folder",
    )
