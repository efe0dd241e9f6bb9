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
    """Runs the runner here, with the Python that runs edgekit unless another is named."""

    address = "local"

    def facts(self, python: str | None) -> Facts:
        """The facts of this machine; raises `DeviceError` if the named interpreter does not answer."""
        return shell.read_facts(self, python or sys.executable)

    def run(self, task: Task, progress: Progress) -> Ran:
        """Run a task in a private folder, deleted afterwards; raises `DeviceError`."""
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
    """The error for a folder into which files cannot be copied."""
    return DeviceError(
        "the files cannot be copied to the temporary folder",
        where=folder,
        received=problem.strerror or str(problem),
        next_step="make room there, or set TMPDIR to another folder",
    )
