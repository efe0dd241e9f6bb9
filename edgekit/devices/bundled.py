"""The bundled device profiles: a folder with one file a device, whose ids are the files' stems, and what the devices are called."""

from __future__ import annotations

import functools
from pathlib import Path

from edgekit.devices.names import Identity
from edgekit.devices.profile_text import tables_of
from edgekit.errors import ProfileError
from edgekit.version import BESIDE

DEFAULT_FOLDERS = tuple(folder / "device_profiles" for folder in BESIDE)


def registry_folder() -> Path:
    """The folder of the bundled profiles: inside the installed package, or beside it in a checkout."""
    found = next((folder for folder in DEFAULT_FOLDERS if folder.is_dir()), None)
    if found is None:
        raise ProfileError("the bundled device profiles are missing", where=str(DEFAULT_FOLDERS[0]))
    return found


def profile_ids() -> tuple[str, ...]:
    """The ids of the bundled profiles: their files' stems, sorted."""
    return tuple(sorted(path.stem for path in registry_folder().glob("*.toml")))


def bundled_path(name: str) -> Path:
    """The file of a bundled profile."""
    return registry_folder() / f"{name}.toml"


def identities() -> list[Identity]:
    """The names of each bundled device. Only names are read, so that one bad file does not hide the others."""
    found = []
    for name in profile_ids():
        try:
            text = bundled_path(name).read_text(encoding="utf-8")
            found.append(_identity(name, text))
        except (OSError, ValueError, ProfileError):
            found.append(Identity(id=name))
    return found


@functools.cache
def _identity(name: str, text: str) -> Identity:
    """What the profile of a text is called; kept, for one unknown name asks for all of them."""
    raw = tables_of(text, name)
    aliases = tuple(str(alias) for alias in raw.get("aliases", ()))
    return Identity(id=name, name=str(raw.get("name", "")), aliases=aliases)
