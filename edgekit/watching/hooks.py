"""Hooks for events: one that may fail without harm, several as one, and one that writes a line of JSON each."""

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
    """A hook that is told nothing more once it has raised, which a warning says.

    Hours of training do not hang on a logger.
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
    """One hook of several; one that raises takes nothing from the others."""
    guarded = [Guarded(hook) for hook in hooks if hook is not no_event]

    def tell(event: Event) -> None:
        for hook in guarded:
            hook(event)

    return tell if guarded else no_event


@contextlib.contextmanager
def writing_lines(target: str | None) -> Iterator[OnEvent]:
    """A hook that writes each event to a file as a line of JSON, at once; '-' is standard output, None nothing.

    Raises `OutputError` where the file cannot be written; a reader of standard output that goes away ends no build.
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
