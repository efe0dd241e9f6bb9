"""What a caller asks for: the project, the device profiles, and the limits that both set.

`edgekit.toml`, the caller's arguments and the profiles' own limits are combined here; the caller's arguments come first.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec

from edgekit.devices.profile import DeviceProfile, load_profile
from edgekit.errors import ProjectError
from edgekit.project.project import PROJECT_FILE, Project, is_models, load_project, override
from edgekit.project.userfunction import is_function
from edgekit.verdict.limits import Limits, limits_of

Device = str | Path
Devices = list[str] | list[Path] | tuple[Device, ...]


def settle(model: Any, data: Any, project: str | Path | None, *, student: Any = None, **changes: Any) -> Project:
    """The project to use: that of `project`'s `edgekit.toml`, overridden by the caller's arguments.

    `model`, `data` and `student` are sources, or objects of the caller's, which say nothing here.

    Raises `ProjectError` for a folder, a key or an argument that is wrong, or if no model is named at all.
    """
    named = {"model": model, "data": data, "student": student}
    texts = {name: _source(value) for name, value in named.items() if isinstance(value, str | Path)}
    folder = Path(project) if project is not None else Path.cwd()
    if project is not None and not os.path.isdir(folder):
        raise ProjectError(
            "no such folder",
            where="--project",
            received=str(project),
            next_step=f"name the folder of an {PROJECT_FILE}",
        )
    loaded = load_project(folder, required=model is None)
    settings = override(loaded, **texts) if model is not None and project is None else loaded
    notes = (*_put_out_of_force(settings, student), *_not_held(loaded, model))
    settings = msgspec.structs.replace(override(settings, **texts, **changes), notes=notes)
    if model is None and settings.model is None:
        raise ProjectError(
            "no model", where=f"{folder / PROJECT_FILE}: model", next_step="name it there or with --model"
        )
    return settings


def _put_out_of_force(settings: Project, student: Any) -> tuple[str, ...]:
    """A note where the caller's own student stands in the place of one that the project derives from the model."""
    table = settings.replacement
    if student is None or table is None or table.source is not None:
        return ()
    shares = " and ".join(f"{name} = {value:g}" for name, value in table.shares.items())
    return (
        f"[student] {shares} of {PROJECT_FILE} is not used: the student that was given is taken as it is, and none is derived",
    )


def _not_held(loaded: Project, model: Any) -> tuple[str, ...]:
    """A note where the caller gives another model than that whose inputs the project holds at values."""
    held = loaded.model.held if loaded.model is not None else {}
    is_own = model is None or (isinstance(model, str | Path) and is_models(loaded, _source(model)))
    if not held or is_own:
        return ()
    return (
        f"[model] held of {PROJECT_FILE} ({', '.join(held)}) is not used: it is of the project's own model, and another was given",
    )


def _source(given: str | Path) -> str:
    """A path relative to the caller's working folder; paths inside `edgekit.toml` are relative to its folder."""
    text = str(given)
    return str(Path(text).absolute()) if text and not is_function(text) and os.path.exists(text) else text


def profiles_for(device: Device | Devices | None, settings: Project) -> list[DeviceProfile]:
    """The profiles that the caller names, else the project's, each once; raises `ProjectError`, `ProfileError`."""
    named = list(settings.devices) if not device else [device] if isinstance(device, str | Path) else list(device)
    if not named:
        raise ProjectError(
            "no device",
            where="--device",
            next_step=f"name one with --device or in {PROJECT_FILE}; `edgekit devices` lists them",
        )
    found: dict[str, DeviceProfile] = {}
    for name in named:
        profile = load_profile(name)
        if found.setdefault(profile.id, profile) != profile:
            raise ProjectError(
                f"two different profiles with the id {profile.id!r}",
                where="--device",
                received=", ".join(map(str, named)),
                next_step="give your own profile an id of its own: results go to a folder of that name",
            )
    return list(found.values())


def is_several(device: Device | Devices | None, settings: Project) -> bool:
    """Whether the answer is a list: if a sequence of devices was given, or the project names several."""
    return not isinstance(device, str | Path) if device else len(settings.devices) > 1


def limits_for(profile: DeviceProfile, settings: Project) -> Limits:
    """The limits of a project on a device."""
    return limits_of(profile, settings.limits.values)
