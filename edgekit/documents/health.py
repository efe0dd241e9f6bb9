"""The values of `edgekit doctor`: what is installed, what was seen to work, and for which devices that is not enough.

How this is found out is not known here.
"""

from __future__ import annotations

from typing import Literal

from edgekit.values import Value

SCHEMA_VERSION = 1
Installed = Literal["ok", "untested", "outside", "missing"]
"""`untested`: allowed, but not a version that edgekit's own tests ran with; `outside`: not allowed."""
Works = Literal["works", "installed", "missing", "broken"]
"""`works`: tried just now; `installed`: not tried; `broken`: installed, but it failed."""


class PackageHealth(Value):
    """A distribution: its version (None where it is not there), what is allowed, and which parts of edgekit need it.

    `needed_by` are names of extras, 'base' for edgekit itself; `tested` are the versions that edgekit is tested with.
    """

    name: str
    version: str | None
    allowed: str
    needed_by: tuple[str, ...]
    outcome: Installed
    tested: str = ""


class ExtraHealth(Value):
    """An extra of the installation: `missing` and `outside` are its distributions, `install` the line that mends it."""

    name: str
    complete: bool
    missing: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()
    install: str = ""


class Ability(Value):
    """Something that edgekit can do here or cannot, and how that is known.

    `title` is what does it, with its version; `reason` says why it is missing or broken; `install` is the line that
    adds it.
    """

    name: str
    purpose: str
    outcome: Works
    title: str = ""
    reason: str = ""
    install: str = ""


class DeviceHealth(Value):
    """What a file is run by here on behalf of a device, and what of a check is `limited` by that; empty where nothing is."""

    device: str
    runtime: str
    limited: str = ""


class MachineHealth(Value):
    """This machine and this Python; memory is what this process may use, in a container less than the machine has.

    `address_space_bytes` is a limit that the shell set (`ulimit -v`), None where it set none.
    """

    system: str
    machine: str
    processor: str
    cores: int
    memory_bytes: int
    free_memory_bytes: int
    address_space_bytes: int | None
    python: str
    executable: str


class CacheHealth(Value):
    """The cache's folder: what it holds, and what there is room for; `problem` says why it cannot be used."""

    path: str
    used_bytes: int
    free_bytes: int | None
    problem: str = ""


class Health(Value):
    """What `edgekit doctor` prints; `outcome` is 'broken' where something that is installed fails.

    `problems` are the failures in a sentence each; `deep` says whether TensorFlow was started.
    """

    schema_version: int
    edgekit_version: str
    outcome: Literal["works", "broken"]
    problems: tuple[str, ...]
    deep: bool
    machine: MachineHealth
    cache: CacheHealth
    packages: tuple[PackageHealth, ...]
    extras: tuple[ExtraHealth, ...]
    abilities: tuple[Ability, ...]
    devices: tuple[DeviceHealth, ...]
