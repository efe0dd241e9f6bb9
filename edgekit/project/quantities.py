"""Limits as a caller or a file gives them: text with a unit, or a number in the unit that is kept inside; each within its bounds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from edgekit.errors import InputError, ProjectError
from edgekit.units import parse_duration_ms, parse_size

DEVICES_OWN = "leave it out, and the device profile's own limit holds"


class Quantity(NamedTuple):
    """What a limit is a number of: how its text is read, its least and its most, and what holds where none is given."""

    parse: Callable[[Any], float]
    least: float
    most: float
    bounds: str
    unit: str
    without: str

    def holds(self, value: float) -> bool:
        """Whether a number is within the bounds; not a number never is."""
        return self.least <= value <= self.most


def _seconds(text: str) -> float:
    return parse_duration_ms(text) / 1e3


LARGEST_POINTS = 1e9
YEAR_S = 8760 * 3600
SIZE = Quantity(parse_size, 1, 2**50, "1B to 1048576GiB", "bytes", DEVICES_OWN)
LATENCY = Quantity(parse_duration_ms, 1e-6, YEAR_S * 1e3, "1ns to 8760h", "milliseconds", DEVICES_OWN)
TIME_BUDGET = Quantity(_seconds, 1e-3, YEAR_S, "1ms to 8760h", "seconds", "leave it out for 30min")
"""At most what a thread can wait for."""
TIME_LIMIT = Quantity(_seconds, 1e-3, 720 * 3600, "1ms to 720h", "seconds", "leave it out for what the runs need")


def quantity(kind: Quantity, text: Any, where: str) -> float:
    """Text by its unit, within the bounds; raises `ProjectError` that names `where` it stands, also for what is no text."""
    try:
        value = kind.parse(text)
    except InputError as problem:
        allowed = f"{problem.allowed}; {kind.bounds}"
        raise ProjectError(
            problem.what, where=where, received=problem.received, allowed=allowed, next_step=kind.without
        ) from None
    if not kind.holds(value):
        raise ProjectError(
            _out_of(kind, value), where=where, received=text, allowed=kind.bounds, next_step=kind.without
        )
    return value


def number(kind: Quantity, given: Any, where: str) -> float:
    """A number in the unit that is kept inside, or text by its unit, within the bounds; raises `ProjectError`."""
    given = plain_scalar(given)
    if not isinstance(given, int | float) or isinstance(given, bool):
        return float(quantity(kind, given, where))
    if not kind.holds(given):
        allowed = f"{kind.bounds}, as a number of {kind.unit} or as text with a unit"
        raise ProjectError(
            _out_of(kind, given), where=where, received=repr(given)[:100], allowed=allowed, next_step=kind.without
        )
    return float(given)


def _out_of(kind: Quantity, value: float) -> str:
    return "more than a limit may be" if value > kind.most else "less than a limit may be"


def points(given: Any, where: str) -> float:
    """A number of points, 0 or more; raises `ProjectError`."""
    try:
        found = float("nan" if isinstance(given, bool) else given)
    except (TypeError, ValueError, OverflowError):
        found = float("nan")
    if not 0 <= found <= LARGEST_POINTS:
        raise ProjectError(
            "not a number of points", where=where, received=repr(plain_scalar(given))[:100],
            allowed=f"0 to {LARGEST_POINTS:g}; one point is 0.01 of an accuracy",
            next_step="leave it out for 1 point",
        )  # fmt: skip
    return found


def plain_scalar(value: Any) -> Any:
    """A NumPy scalar as Python's own number or truth value; anything else as it is."""
    return value.item() if getattr(value, "shape", None) == () and hasattr(value, "item") else value
