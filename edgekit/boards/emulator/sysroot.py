"""The folder that stands for an emulated board's disk: where it is, what is in it, and whether it is complete.

`make_sysroot` makes it from Debian's packages and the wheels of the runtimes. Its manifest is the last file that is
written; a folder without one, or with a file missing, is not used. Nothing is downloaded or run here.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Literal

import msgspec

from edgekit.boards.emulator.processors import ARCHITECTURES, RUNTIMES, Architecture
from edgekit.errors import MissingExtraError
from edgekit.values import Value

VARIABLE = "EDGEKIT_SYSROOTS"
MANIFEST = "edgekit-sysroot.json"
PYTHON = "usr/bin/python3.11"
MOST_MANIFEST_BYTES = 8 * 2**20
_VERSION = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9}){0,3}[0-9A-Za-z.+~-]{0,40}")
_PYTHON_VERSION = re.compile(r"[0-9]{1,4}\.[0-9]{1,4}\.[0-9]{1,4}")


class Package(Value):
    """A Debian package or a wheel that was unpacked."""

    name: str
    version: str
    file: str
    sha256: str


class Manifest(Value):
    """What is in a sysroot: packages with their hashes, every file with its size, and the runtimes that ran.

    `runtimes` holds their versions by kind, `problems` why one that was unpacked does not run, `emulator` the version
    of the emulator that they were tried under.
    """

    schema_version: Literal[1]
    architecture: str
    python: str
    numpy: str
    packages: tuple[Package, ...]
    runtimes: dict[str, str]
    files: dict[str, int]
    emulator: str
    problems: tuple[str, ...] = ()


class Sysroot(Value):
    """A complete sysroot; `digest` is the hash of its manifest."""

    folder: Path
    manifest: Manifest
    digest: str

    @property
    def python(self) -> Path:
        return self.folder / PYTHON


def default_folder(architecture: Architecture) -> Path:
    """`EDGEKIT_SYSROOTS`/<architecture>, else a folder in the user's cache folder, independent of `EDGEKIT_CACHE`."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named).absolute() / architecture.name
    import platformdirs

    return Path(platformdirs.user_cache_dir("edgekit")) / "sysroots" / architecture.name


def find_sysroot(architecture: Architecture, folder: Path | None = None) -> Sysroot:
    """The sysroot of an architecture; raises `MissingExtraError` if there is none, or a damaged one."""
    place = folder or default_folder(architecture)
    found = read_sysroot(place, architecture)
    if isinstance(found, Sysroot):
        return found
    raise MissingExtraError(
        f"there is no sysroot to emulate {architecture.name} with",
        where=str(place),
        received=found,
        next_step=f"make it: python -m edgekit.boards.emulator.make_sysroot --arch {architecture.name} (some 40 MB are fetched; "
        f"it needs apt-get), or name the folder that holds it in {VARIABLE}",
    )


def read_sysroot(folder: Path, architecture: Architecture) -> Sysroot | str:
    """A complete sysroot, or what is missing in it."""
    path = folder / MANIFEST
    try:
        with path.open("rb") as file:
            data = file.read(MOST_MANIFEST_BYTES + 1)
        manifest = msgspec.json.decode(data, type=Manifest)
    except FileNotFoundError:
        return "no such folder" if not folder.exists() else f"there is no {MANIFEST}: it was never finished"
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as problem:
        return f"{MANIFEST} cannot be read: {problem}"
    if manifest.architecture != architecture.name:
        return f"it is one of {manifest.architecture if manifest.architecture in ARCHITECTURES else 'another architecture'}"
    strange = _implausible(manifest)
    if strange is not None:
        return f"{MANIFEST} was changed: {strange}"
    lost = next((name for name, size in manifest.files.items() if _size(folder / name) != size), None)
    if lost is not None:
        return f"{lost} is missing or damaged"
    return Sysroot(folder=folder.absolute(), manifest=manifest, digest=hashlib.sha256(data).hexdigest())


def _implausible(manifest: Manifest) -> str | None:
    """Something in a manifest that edgekit would never write; None if there is nothing like that."""
    if not manifest.runtimes or set(manifest.runtimes) - set(RUNTIMES):
        return f"its runtimes are {', '.join(manifest.runtimes)[:80]!r}"
    versions = (*manifest.runtimes.values(), manifest.numpy)
    wrong = next((text for text in versions if not _VERSION.fullmatch(text)), None)
    if wrong is None and not _PYTHON_VERSION.fullmatch(manifest.python):
        wrong = manifest.python
    return None if wrong is None else f"{wrong[:40]!r} is no version"


def _size(path: Path) -> int | None:
    """A file's size, or a link's own length; None if there is neither."""
    try:
        return path.lstat().st_size
    except (OSError, ValueError):
        return None


def emulator_version(architecture: Architecture) -> str:
    """The emulator's version, as in '7.2.22'; raises `MissingExtraError` if it is not installed or does not start."""
    command = shutil.which(architecture.qemu)
    said = "" if command is None else _said(command)
    found = re.search(r"version (\d+\.\d+(?:\.\d+)?)", said)
    if found is None:
        raise MissingExtraError(
            f"{architecture.qemu} is not installed" if command is None else f"{architecture.qemu} does not start",
            received=said[:200] or None,
            next_step="apt-get install qemu-user (Debian, Ubuntu), or your system's package of QEMU's user emulation",
        )
    return found[1]


def _said(command: str) -> str:
    try:
        done = subprocess.run([command, "--version"], capture_output=True, text=True, timeout=30, errors="replace")
    except (OSError, subprocess.TimeoutExpired) as problem:
        return str(problem)
    return (done.stdout or done.stderr).strip()
