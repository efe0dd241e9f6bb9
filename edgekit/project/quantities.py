"""Sizes and durations as a caller or a file gives them: text with a unit, or a number in the unit that is kept inside."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from edgekit.errors import InputError, ProjectError


def quantity(parse: Callable[[str], float], text: str, where: str) -> float:
    """Text by its unit, more than 0; raises `ProjectError` that names `where` it stands."""
    try:
        value = parse(text)
    except InputError as problem:
        raise ProjectError(problem.what, where=where, received=problem.received, allowed=problem.allowed) from None
    if value <= 0:
        raise ProjectError("not a positive quantity", where=where, received=text, allowed="more than 0")
    return value


def number(given: Any, parse: Callable[[str], float], where: str, divisor: float = 1.0) -> float:
    """A positive number as it is, text by its unit divided into the caller's own; raises `ProjectError`."""
    if isinstance(given, int | float) and not isinstance(given, bool):
        if not (math.isfinite(given) and given > 0):
            raise ProjectError("not a positive number", where=where, received=given)
        return float(given)
    return float(quantity(parse, given, where)) / divisor


def points(given: Any, where: str) -> float:
    """A number of points, 0 or more; raises `ProjectError`."""
    try:
        found = float(given)
    except (TypeError, ValueError):
        raise ProjectError("not a number of points", where=where, received=given, allowed="0 or more") from None
    if not (math.isfinite(found) and found >= 0):
        raise ProjectError("not a number of points", where=where, received=given, allowed="0 or more")
    return found
