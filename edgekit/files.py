"""Writing a folder of files so that none is ever seen half-written.

Everything is written to a folder of its own beside the final names, flushed to the disk and only then renamed. The
file that lists the others is removed first and written last. It does not know what the files hold.
"""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from edgekit.errors import OutputError

_STAGING = ".edgekit-writing-"


def prepare(folder: Path) -> None:
    """Make sure, before hours of work, that a folder exists and can be written; raises `OutputError`."""
    with _as_output_error(folder), _staging(folder) as staging:
        (staging / "probe").write_bytes(b"edgekit")


def replace_files(folder: Path, content: Mapping[str, bytes], *, last: tuple[str, bytes]) -> None:
    """Put files into a folder under their names, `last` (name and content) after all others.

    Files that the folder's earlier `last` listed under `files` and that are not written again are removed. Raises
    `OutputError` if there is no space or no permission; then no new file has appeared.
    """
    with _as_output_error(folder), _staging(folder) as staging:
        for name, data in [*content.items(), last]:
            _write(staging / name, data)
        _refuse_folders(folder, [*content, last[0]])
        with alone_in(folder):
            stale = _listed(folder / last[0]) - set(content)
            (folder / last[0]).unlink(missing_ok=True)
            for name in stale:
                if (folder / name).is_file():
                    (folder / name).unlink()
            for name in [*content, last[0]]:
                os.replace(staging / name, folder / name)


def replace_file(path: Path, data: bytes) -> None:
    """Put one file in its place, completely or not at all; raises `OutputError`, and then an earlier file is unchanged."""
    with _as_output_error(path.parent), _staging(path.parent) as staging:
        _refuse_folders(path.parent, [path.name])
        _write(staging / path.name, data)
        os.replace(staging / path.name, path)


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keep two builds from writing into one folder at the same time; without file locks on the system, do nothing."""
    import fcntl

    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _write(path: Path, data: bytes) -> None:
    """Write and flush to the disk, so that a full disk is noticed now and not after the rename."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _refuse_folders(folder: Path, names: list[str]) -> None:
    for name in names:
        if (folder / name).is_dir():
            raise OutputError("a folder is in the place of a file", where=str(folder / name), next_step="remove it")


def _listed(manifest: Path) -> set[str]:
    """The plain file names that an earlier manifest lists; empty if it is missing or unreadable."""
    try:
        files = msgspec.json.decode(manifest.read_bytes())["files"]
        return {name for name in files if isinstance(name, str) and Path(name).name == name and name != manifest.name}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return set()


@contextlib.contextmanager
def _staging(folder: Path) -> Iterator[Path]:
    """A folder to write in, on the same file system as the final names; always removed afterwards."""
    made = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    staging = folder / f"{_STAGING}{platform.node()}-{os.getpid()}"
    shutil.rmtree(staging, ignore_errors=True)
    try:
        _make(staging)
        _sweep(folder)
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        with contextlib.suppress(OSError):
            for parent in made:
                parent.rmdir()  # succeeds only if it is empty


def _make(staging: Path) -> None:
    """Make a folder and its parents, even if another build removes empty ones meanwhile."""
    for left in reversed(range(10)):
        try:
            staging.mkdir(parents=True)
            return
        except FileNotFoundError:
            if not left:
                raise


def _sweep(folder: Path) -> None:
    """Remove unfinished files that a killed build left."""
    import psutil

    mine = f"{_STAGING}{platform.node()}-"
    for left in folder.glob(f"{mine}*"):
        pid = left.name.removeprefix(mine)
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            shutil.rmtree(left, ignore_errors=True)


@contextlib.contextmanager
def _as_output_error(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        raise OutputError(
            "the result cannot be written",
            where=str(folder),
            received=problem.strerror or str(problem),
            next_step="make room or give the permission, or name another folder with --out",
        ) from None
