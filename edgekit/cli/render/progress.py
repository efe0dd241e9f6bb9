"""A command's progress on a stream: a few lines that change in place on a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Protocol, TextIO

from edgekit.cli.render.console import make_console
from edgekit.cli.render.live.lines import PlainLines
from edgekit.cli.render.live.screen import Screen
from edgekit.documents.events import Event


class Display(Protocol):
    """Shows progress and events; both may come from any thread."""

    def progress(self, phase: str, done: int, total: int) -> None:
        """A phase goes on."""
        ...

    def on_event(self, event: Event) -> None:
        """An event of a build."""
        ...


@contextlib.contextmanager
def showing(stream: TextIO) -> Iterator[Display]:
    """A display on a stream during the block; on a terminal it is erased at the end."""
    console = make_console(stream)
    if not console.is_terminal:
        yield PlainLines(lambda line: print(line, file=stream, flush=True))
        return
    with Screen(console) as screen:
        yield screen
