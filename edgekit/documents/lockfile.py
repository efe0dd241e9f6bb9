"""`edgekit.lock`: what a result was made of and which bytes came of it, by hash; and how two such states differ.

It reads the file and compares values. `edgekit.search.lock` collects today's state and makes a locked result again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from edgekit.documents.candidate import Step
from edgekit.errors import InputError, ProjectError
from edgekit.values import Value, from_json

LOCK_FILE = "edgekit.lock"
SCHEMA_VERSION = 1
# A lock of ten devices is some 30 KB; a far larger file is not a lock.
LARGEST_BYTES = 4 * 2**20
AGAIN = "lock what is here with `edgekit build --lock`"


NAMED = {"model": "model", "data": "data", "replacement": "student"}
"""What a user calls each input."""


class LockedSource(Value):
    """The model or the data: `sha256` of a file, a folder or an object; None for a function, whose modules are listed."""

    source: str
    sha256: str | None


NO_SOURCE = LockedSource(source="none", sha256=None)


class LockedInputs(Value):
    """All that a result follows from, but for the device: settings by dotted key, versions by package.

    `modules` are the sources of functions and of what they import: SHA-256, or the installed distribution's name.
    `replacement` is the student, the network that is offered in the model's place; None where there is none.
    """

    model: LockedSource
    data: LockedSource
    modules: dict[str, str]
    settings: dict[str, Any]
    versions: dict[str, str]
    replacement: LockedSource | None = msgspec.field(default=None, name="student")


class LockedFile(Value):
    """A `.tflite` with the steps that make it."""

    candidate: str
    steps: tuple[Step, ...]
    sha256: str


class Loaded(Value):
    """SHA-256 of the model's weights, of the data's arrays and of the student's weights as they were read, whatever they were read from."""

    model: str
    data: str
    replacement: str | None = msgspec.field(default=None, name="student")


class LockedDevice(Value):
    """One device: its profile, the limits set beside the profile's own, and what came of the build.

    `profile` is the hash of the resolved profile without what is read live from a machine.
    """

    profile: str
    limits: dict[str, float]
    loaded: Loaded
    processor: str
    outcome: Literal["pass", "fail"]
    baseline: LockedFile
    artifact: LockedFile


class Lock(Value):
    """`edgekit.lock`, version 1."""

    schema_version: Literal[1]
    edgekit_version: str
    inputs: LockedInputs
    devices: dict[str, LockedDevice]


class Difference(Value):
    """One thing that is not as it was locked, and what to do about it."""

    what: str
    locked: str
    now: str
    next_step: str


def read_lock(path: Path) -> Lock:
    """The lock in a file; raises `ProjectError` for a file that is missing, not a lock, damaged, or of another version."""
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST_BYTES + 1)
    except OSError as problem:
        missing = isinstance(problem, FileNotFoundError)
        raise ProjectError(
            f"there is no {LOCK_FILE}" if missing else "the lock cannot be read",
            where=str(path),
            received=None if missing else problem.strerror,
            next_step="write one with `edgekit build --lock`" if missing else None,
        ) from None
    if len(text) > LARGEST_BYTES:
        raise _not_a_lock(path, f"more than {LARGEST_BYTES} bytes")
    try:
        return from_json(text, Lock, where=str(path))
    except InputError as problem:
        key = (problem.where or "").removeprefix(str(path)).lstrip(": ")
        told = (f"at {key}" if key else "", problem.what, problem.received or "")
        raise _not_a_lock(path, ", ".join(part for part in told if part)) from None
    except (RecursionError, ValueError) as problem:  # nested too deeply, or not UTF-8
        raise _not_a_lock(path, str(problem)) from None


def _not_a_lock(path: Path, received: str) -> ProjectError:
    return ProjectError(
        f"not a lock that this edgekit knows (version {SCHEMA_VERSION})",
        where=str(path),
        received=received[:300],
        allowed="a file that `edgekit build --lock` wrote, as it wrote it",
        next_step="take it from version control again, or remove it and lock anew with `edgekit build --lock`",
    )


def input_differences(lock: Lock, now: LockedInputs) -> Iterator[Difference]:
    """How the inputs, the settings and the versions differ from the locked ones."""
    was = lock.inputs
    yield from _source("the model", was.model, now.model)
    yield from _source("the data", was.data, now.data)
    yield from _source("the student", was.replacement or NO_SOURCE, now.replacement or NO_SOURCE)
    for name, old, new in _changed(was.modules, now.modules):
        step = f"bring back the source of {name} (or install that version), or {AGAIN}"
        yield Difference(what=f"module {name}", locked=_short(old), now=_short(new), next_step=step)
    for name, old, new in _changed(was.settings, now.settings):
        known = (
            f"set {name} as it was" if name in was.settings else "install the locked edgekit, which has no such setting"
        )
        step = f"{known}, or {AGAIN}"
        yield Difference(what=f"setting {name}", locked=_text(old), now=_text(new), next_step=step)
    for name, old, new in _changed(was.versions, now.versions):
        step = f"{_restore(name, old, lock)}, or {AGAIN}"
        yield Difference(what=f"version of {name}", locked=_text(old), now=_text(new), next_step=step)


def device_differences(
    device: str, was: LockedDevice, profile: str, limits: Mapping[str, float]
) -> Iterator[Difference]:
    """How a device's profile and limits differ from the locked ones."""
    for name, old, new in _changed(was.limits, limits):
        step = f"give the limit that was locked, or {AGAIN}"
        yield Difference(what=f"{device}: limit on {name}", locked=_text(old), now=_text(new), next_step=step)
    if was.profile != profile:
        step = f"bring back the device's profile, or {AGAIN}"
        yield Difference(
            what=f"{device}: device profile", locked=_short(was.profile), now=_short(profile), next_step=step
        )


def _source(what: str, was: LockedSource, now: LockedSource) -> Iterator[Difference]:
    """Files and objects are compared by content, wherever they are; functions by name (their modules are compared separately)."""
    same = was.sha256 == now.sha256 if was.sha256 and now.sha256 else was == now
    if not same:
        named = [f"{found.source} {_short(found.sha256) if found.sha256 else ''}".strip() for found in (was, now)]
        yield Difference(what=what, locked=named[0], now=named[1], next_step=f"bring back what was locked, or {AGAIN}")


class _Absent:
    """Stands for a key that one side does not have, since None may be a value."""


def _changed(was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for name in sorted({*was, *now}):
        old, new = was.get(name, _Absent), now.get(name, _Absent)
        if old != new:
            yield name, old, new


def _restore(package: str, version: Any, lock: Lock) -> str:
    if package == "edgekit":
        return f"use the edgekit that wrote the lock ({lock.edgekit_version}, of that very source)"
    if version is _Absent:
        return f"uninstall {package}"
    return f"use Python {version}" if package == "python" else f'pip install "{package}=={version}"'


def _text(value: Any) -> str:
    return "none" if value is _Absent or value is None else value if isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()[:200]


def _short(found: Any) -> str:
    """The first digits of a hash; any other text unchanged."""
    return found[:16] if isinstance(found, str) and len(found) >= 40 and " " not in found else _text(found)
