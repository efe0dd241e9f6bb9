"""`--devices-file`: one device a line, an id or the path of a profile; ` #` begins a comment.

Paths are relative to the file's own folder, so that the file means the same wherever it is used from.
"""

from __future__ import annotations

import re
from pathlib import Path

from edgekit.devices.profile import load_profile
from edgekit.errors import ProfileError, ProjectError
from edgekit.project.request import Device

LARGEST_BYTES = 2**20
COMMENT = re.compile(r"(^|\s)#.*")


def read_devices(path: str | Path) -> tuple[Device, ...]:
    """The devices that a file names, each once, in its order.

    Raises `ProjectError` for a file that cannot be read, names no device or is not a list of devices, and `ProfileError` for
    a wrong device, with its line.
    """
    found: dict[str, Device] = {}
    seen: set[str] = set()
    for number, line in enumerate(_text(Path(path)).splitlines(), start=1):
        name = COMMENT.sub("", line).strip()
        if not name or name in seen:
            continue
        seen.add(name)
        device = Path(path).parent / name if _is_path(name) else name
        try:
            profile = load_profile(device)
        except ProfileError as problem:
            raise _at(f"{path}:{number}", problem, name) from None
        if load_profile(found.setdefault(profile.id, device)) != profile:
            raise ProjectError(
                f"two different profiles with the id {profile.id!r}",
                where=f"{path}:{number}",
                received=name,
                next_step="give your own profile an id of its own: results go to a folder of that name",
            )
    if not found:
        raise ProjectError("the file names no device", where=str(path), allowed="one id or path a line")
    return tuple(found.values())


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_BYTES + 1)
        if len(content) > LARGEST_BYTES:
            raise ProjectError(
                "too large for a list of devices", where=str(path), allowed=f"{LARGEST_BYTES} bytes at most"
            )
        return content.decode("utf-8-sig")
    except (OSError, ValueError) as problem:  # ValueError: a path with a null character, or text that is not UTF-8
        raise ProjectError(
            "the list of devices cannot be read",
            where="--devices-file",
            received=f"{path}: {getattr(problem, 'strerror', None) or problem}",
            allowed="a text file in UTF-8, with one id or path a line",
        ) from None


def _is_path(name: str) -> bool:
    """Whether a name is a path, as in `load_profile`: it ends in .toml, or has a separator in it."""
    return name.endswith(".toml") or "/" in name


def _at(place: str, problem: ProfileError, name: str) -> ProfileError:
    """A profile's error with the line that named the profile; the place of an error inside the profile is kept too."""
    inside = problem.where is not None and problem.where != "--device"
    return ProfileError(
        problem.what,
        where=f"{place}: {problem.where}" if inside else place,
        received=problem.received or name,
        allowed=problem.allowed,
        next_step=problem.next_step,
    )
