"""The limits that a caller gives, as one value: what `build`, `plan` and `check` get as `max_drop`, `max_flash` and so on."""

from __future__ import annotations

from edgekit.project.quantities import LATENCY, SIZE, number, points
from edgekit.verdict.limits import Limits, user_limits


def limits_given(
    *,
    max_drop: float | None = None,
    max_flash: str | float | None = None,
    max_download: str | float | None = None,
    max_ram: str | float | None = None,
    max_latency: str | float | None = None,
) -> Limits:
    """The user's own limits by metric name, without those that are None.

    Sizes and durations are text with units ('512KiB', '20ms') or numbers in bytes and milliseconds, `max_drop` is in
    points. Raises `ProjectError`, which names the option, for a value that is not a number or out of the bounds of a limit.

    >>> limits_given(max_flash="1KiB", max_drop=0.5).values
    {'flash': 1024.0, 'accuracy_drop': 0.5}
    """
    given = (
        ("flash", max_flash, SIZE),
        ("download", max_download, SIZE),
        ("ram", max_ram, SIZE),
        ("latency", max_latency, LATENCY),
    )
    found = {name: number(kind, value, f"--max-{name}") for name, value, kind in given if value is not None}
    if max_drop is not None:
        found["accuracy_drop"] = points(max_drop, "--max-drop")
    return user_limits(found)
