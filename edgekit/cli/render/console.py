"""The terminal as edgekit writes to it: readable at 80 columns, without colour, and on any encoding."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Iterable
from typing import TextIO

from rich.console import Console, JustifyMethod, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

MAX_WIDTH = 110  # wider lines are harder to read
WIDE = 96  # from here on a table has room for every figure
NAME_LENGTH = 20  # of a candidate, in a table that is not wide
STYLES = {"pass": "bold green", "fail": "bold red", "failed": "red", "unknown": "bold yellow", "warn": "yellow"}


class _Console(Console):
    """Rich ends the process with 1 where the reader has gone, which is the code of a failed check."""

    def on_broken_pipe(self) -> None:
        """Leave it to the command, which has a code of its own for it."""
        raise BrokenPipeError


def make_console(file: TextIO | None = None) -> Console:
    """A console on a stream (stdout by default); text is shown as it is, never read as markup."""
    stream = sys.stdout if file is None else file
    if isinstance(stream, io.TextIOWrapper):
        with contextlib.suppress(ValueError):
            stream.reconfigure(errors="replace")  # a terminal that lacks a sign shows '?' instead of ending the run
    console = _Console(file=stream, markup=False, highlight=False, emoji=False)
    if console.width > MAX_WIDTH:
        console.width = MAX_WIDTH
    return console


def outcome_text(outcome: str) -> Text:
    """An outcome in its colour; the word says it all where there is none."""
    return Text(outcome.upper() if outcome in ("pass", "fail") else outcome, style=STYLES.get(outcome, "dim"))


def section(console: Console, title: str, body: RenderableType) -> None:
    """A titled part of a page, with a line of air above it."""
    console.print()
    console.print(Text(title, style="bold cyan"))
    console.print(Padding(body, (0, 0, 0, 2)))


def figures_table(*columns: tuple[str, str]) -> Table:
    """A table of figures without a frame; `columns` are titles with 'left' or 'right', the first never wraps."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", show_edge=False, pad_edge=False)
    for index, (title, side) in enumerate(columns):
        justify: JustifyMethod = "right" if side == "right" else "left"
        table.add_column(title, justify=justify, overflow="fold", no_wrap=index == 0)
    return table


def candidate_text(name: str, *, is_wide: bool) -> Text:
    """A candidate's name; where a table is narrow, a long one has each of its steps on a line of its own."""
    return Text(name if is_wide or len(name) <= NAME_LENGTH else name.replace("+", "+\n"), style="bold")


def name_and_text(rows: Iterable[tuple[str, RenderableType]]) -> Table:
    """Names on the left, text that wraps on the right."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="bold", overflow="fold", max_width=26)
    table.add_column(overflow="fold")
    for name, text in rows:
        table.add_row(Text(name), text)
    return table
