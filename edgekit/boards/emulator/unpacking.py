"""Unpacks Debian packages and wheels into a folder: every name and every link is checked before it is written.

A member outside the folder, a device, or a link that leads outside is an error, whoever made the archive. What the
packages hold is not known here.
"""

from __future__ import annotations

import os
import posixpath
import shutil
import signal
import subprocess
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import IO

from edgekit.errors import InputError

MOST_BYTES = 2 * 2**30
MOST_MEMBERS = 100_000
DATA = ".data/"


def unpack_deb(package: Path, into: Path) -> None:
    """Unpack a `.deb` as an ordinary user; absolute links become relative ones inside `into`.

    Raises `InputError` for a package that is damaged or would write elsewhere.
    """
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(package)], stdout=subprocess.PIPE, stderr=log)
        assert process.stdout is not None
        try:
            with tarfile.open(fileobj=process.stdout, mode="r|") as archive:
                room = _Room(package)
                for member in archive:
                    room.take(member.size)
                    _tar_member(archive, member, into, package)
            whole = True
        except (FileExistsError, NotADirectoryError, IsADirectoryError) as problem:
            raise _refused(
                package, f"a file where it has a folder, or the other way round: {problem.filename}"
            ) from None
        except (tarfile.TarError, EOFError):
            whole = False
        finally:
            process.stdout.close()  # ends it, if it still runs
            code = process.wait()
        if not whole or code not in (0, -signal.SIGPIPE):
            raise _refused(package, f"not a whole package: {_last_line(log)}")


def unpack_wheel(wheel: Path, into: Path) -> None:
    """Unpack a wheel's modules into a folder of packages; raises `InputError` as `unpack_deb` does."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            room = _Room(wheel)
            for member in archive.infolist():
                room.take(member.file_size)
                if member.is_dir():
                    continue
                if DATA in member.filename:
                    continue  # scripts and headers are not needed here
                if (member.external_attr >> 16) & 0o170000 == 0o120000:
                    raise _refused(wheel, f"a link: {member.filename!r}")
                target = _inside(into, member.filename, wheel)
                with archive.open(member) as source:
                    _write(target, source)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as problem:
        raise _refused(wheel, f"not a whole wheel: {problem}") from None


class _Room:
    """How much one archive may hold: far more than any expected package, far less than a disk."""

    def __init__(self, archive: Path) -> None:
        self._archive, self._bytes, self._members = archive, MOST_BYTES, MOST_MEMBERS

    def take(self, size: int) -> None:
        self._bytes -= size
        self._members -= 1
        if self._bytes < 0 or self._members < 0:
            raise _refused(self._archive, "holds more than a package of this kind does")


def _tar_member(archive: tarfile.TarFile, member: tarfile.TarInfo, into: Path, package: Path) -> None:
    if posixpath.normpath(member.name) == ".":
        return
    target = _inside(into, member.name, package)
    if member.isdir():
        target.mkdir(parents=True, exist_ok=True)
    elif member.isreg():
        source = archive.extractfile(member)
        assert source is not None
        _write(target, source)
        target.chmod(0o755 if member.mode & 0o100 else 0o644)
    elif member.issym():
        _clear(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.symlink(relative_link(member.name, member.linkname, package), target)
    elif member.islnk():
        source_path = _inside(into, member.linkname, package)
        if not source_path.is_file() or source_path.is_symlink():
            raise _refused(package, f"a link to what is not there: {member.name!r}")
        _clear(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source_path, target)
    else:
        raise _refused(package, f"neither file, folder nor link: {member.name!r}")


def relative_link(name: str, target: str, package: Path = Path("package")) -> str:
    """The relative target of a link at `name` that leads to `target` in the same tree; raises `InputError` if that is outside.

    >>> relative_link("usr/lib/python3.11/sitecustomize.py", "/etc/python3.11/sitecustomize.py")
    '../../../etc/python3.11/sitecustomize.py'
    """
    place = posixpath.dirname(posixpath.normpath(name))
    found = posixpath.normpath(target.lstrip("/") if target.startswith("/") else posixpath.join(place, target))
    if not target or "\0" in target or found == ".." or found.startswith("../"):
        raise _refused(package, f"a link that leads out: {name!r} to {target!r}")
    return posixpath.relpath(found, place or ".") if target.startswith("/") else target


def _inside(into: Path, name: str, package: Path) -> Path:
    """Where a member goes; raises `InputError` for a name, or a link on the way, that leads outside of `into`."""
    plain = posixpath.normpath(name)
    if not name or "\0" in name or "\\" in name or name.startswith("/") or plain == ".." or plain.startswith("../"):
        raise _refused(package, f"a name that leads out: {name!r}")
    target = into / plain
    try:
        parent = target.parent.resolve()
    except (RuntimeError, OSError):  # links in a circle: RuntimeError before Python 3.13, OSError from then on
        raise _refused(package, f"a name behind links in a circle: {name!r}") from None
    if not parent.is_relative_to(into.resolve()):
        raise _refused(package, f"a name that leads out through a link: {name!r}")
    return target


def _write(target: Path, source: IO[bytes]) -> None:
    _clear(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as file:
        shutil.copyfileobj(source, file, 2**20)


def _clear(target: Path) -> None:
    """Remove what is in the way of a file; a folder stays unless it is empty, and then the file cannot be written."""
    if target.is_symlink() or target.is_file():
        target.unlink()


def _last_line(log: IO[bytes]) -> str:
    log.seek(0)
    lines = [line.strip() for line in log.read(2**16).decode(errors="replace").splitlines() if line.strip()]
    return lines[-1][:300] if lines else "it ends too early"


def _refused(archive: Path, what: str) -> InputError:
    return InputError("an archive that edgekit does not unpack", where=archive.name, received=what)
