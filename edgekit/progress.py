"""Progress of a long job: the type of the callable that receives it, and one that does nothing."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Called with the phase, how much of it is done, and the total."""


def no_progress(phase: str, done: int, total: int) -> None:
    """The default progress: nothing."""
