"""What a user keeps about a device beside edgekit's own profile: where it is stored, and how an overlay changes a profile.

An overlay is a part of a profile with the same keys, such as `[cost]` with coefficients calibrated on a real board
and their `[sources]`. The bundled file is never edited. This module knows no key by name but `id`, and of measurements
only where they are stored.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from edgekit.errors import ProfileError

VARIABLE = "EDGEKIT_DEVICES"
_FIGURE = "value"  # a table with this key is one figure with its interval and source


def devices_folder() -> Path:
    """The user's own folder of devices: `EDGEKIT_DEVICES`, else `devices` in the user's data folder."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named).expanduser()
    import platformdirs

    return Path(platformdirs.user_data_dir("edgekit")) / "devices"


def overlay_path(device: str) -> Path:
    """Where the overlay of a bundled profile is stored, if there is one."""
    return devices_folder() / f"{device}.toml"


def measurements_folder(device: str, file: str | None) -> Path:
    """Where the measurements of a device are kept: beside the user's own profile, or the overlay of a bundled one."""
    return devices_folder() / f"{device}.measurements" if file is None else Path(file).with_suffix(".measurements")


def laid_over(base: dict[str, Any], overlay: dict[str, Any], *, where: str) -> dict[str, Any]:
    """The tables of a profile, replaced key by key by those of an overlay; a figure is replaced as a whole.

    Raises `ProfileError` for an overlay of another device.

    >>> laid_over({"id": "a", "cost": {"x": 1, "y": 2}}, {"cost": {"y": 3}}, where="a.toml")
    {'id': 'a', 'cost': {'x': 1, 'y': 3}}
    """
    if overlay.get("id", base.get("id")) != base.get("id"):
        raise ProfileError(
            "an overlay of another device",
            where=f"{where}: id",
            received=repr(overlay["id"]),
            allowed=repr(base.get("id")),
            next_step="an overlay bears its device's name; leave `id` out",
        )
    return _merged(base, overlay)


def _merged(base: dict[str, Any], overlay: dict[str, Any]) -> dict[str, Any]:
    found = dict(base)
    for key, value in overlay.items():
        below = base.get(key)
        both = isinstance(below, dict) and isinstance(value, dict) and _FIGURE not in {*below, *value}
        found[key] = _merged(below, value) if both and isinstance(below, dict) else value
    return found
