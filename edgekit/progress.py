"""How far a long job is: a callable that is told, and one that does nothing."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Told the phase, what is done of it, and of how much."""


def no_progress(phase: str, done: int, total: int) -> None:
    """The default progress: nothing."""
