"""Event hooks: one whose failure does no harm, several combined, and one that writes a line of JSON for each event."""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import msgspec

from edgekit.documents.events import Event, OnEvent, no_event
from edgekit.errors import OutputError

STDOUT = "-"


class Guarded:
    """A hook that is no longer called once it has raised; a warning says so.

    A failing logger must not end hours of training.
    """

    def __init__(self, hook: OnEvent) -> None:
        self._hook = hook

    def __call__(self, event: Event) -> None:
        try:
            self._hook(event)
        except Exception as problem:
            self._hook = no_event
            said = f"{type(problem).__name__}: {problem}"
            warnings.warn(
                f"on_event raised {said} at {type(event).__name__}; it is told nothing more",
                RuntimeWarning,
                stacklevel=2,
            )


def together(*hooks: OnEvent) -> OnEvent:
    """Several hooks as one; if one raises, the others are still called."""
    guarded = [Guarded(hook) for hook in hooks if hook is not no_event]

    def tell(event: Event) -> None:
        for hook in guarded:
            hook(event)

    return tell if guarded else no_event


@contextlib.contextmanager
def writing_lines(target: str | None) -> Iterator[OnEvent]:
    """A hook that writes each event to a file as a line of JSON, at once; '-' is standard output, None writes nothing.

    Raises `OutputError` if the file cannot be written; if the reader of standard output goes away, the build goes on.
    """
    if target is None:
        yield no_event
        return
    if target == STDOUT:
        yield _Lines(sys.stdout)
        return
    try:
        file = Path(target).open("w", encoding="utf-8")  # noqa: SIM115 - closed below
    except OSError as problem:
        raise OutputError(
            "the events cannot be written", where=f"--events {target}", received=problem.strerror,
            next_step="name a file in a folder that can be written, or - for standard output",
        ) from None  # fmt: skip
    with file:
        yield _Lines(file)


class _Lines:
    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __call__(self, event: Event) -> None:
        try:
            self._stream.write(msgspec.json.encode(event).decode() + "\n")
            self._stream.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())
            raise
