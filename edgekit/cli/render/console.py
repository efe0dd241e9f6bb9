"""edgekit's output on a terminal: readable at 80 columns, without colour, and in any encoding."""

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
WIDE = 96  # from this width on, a table has room for every figure
NAME_LENGTH = 20  # the longest name of a candidate in a narrow table
STYLES = {"pass": "bold green", "fail": "bold red", "failed": "red", "unknown": "bold yellow", "warn": "yellow"}


class _Console(Console):
    """By default, Rich ends the process with 1 if the reader has gone, but 1 is the code of a failed check."""

    def on_broken_pipe(self) -> None:
        """Let the command handle it, which has an exit code for it."""
        raise BrokenPipeError


def make_console(file: TextIO | None = None) -> Console:
    """A console on a stream (stdout by default); text is shown unchanged, never read as markup."""
    stream = sys.stdout if file is None else file
    if isinstance(stream, io.TextIOWrapper):
        with contextlib.suppress(ValueError):
            stream.reconfigure(
                errors="replace"
            )  # characters that the terminal's encoding lacks become '?' instead of an error
    console = _Console(file=stream, markup=False, highlight=False, emoji=False)
    if console.width > MAX_WIDTH:
        console.width = MAX_WIDTH
    return console


def outcome_text(outcome: str) -> Text:
    """An outcome in its colour; without colour, the word alone says it."""
    return Text(outcome.upper() if outcome in ("pass", "fail") else outcome, style=STYLES.get(outcome, "dim"))


def section(console: Console, title: str, body: RenderableType) -> None:
    """A titled part of a page, with an empty line above it."""
    console.print()
    console.print(Text(title, style="bold cyan"))
    console.print(Padding(body, (0, 0, 0, 2)))


def figures_table(*columns: tuple[str, str]) -> Table:
    """A table of figures without a frame; `columns` are titles with 'left' or 'right'; the first column never wraps."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", show_edge=False, pad_edge=False)
    for index, (title, side) in enumerate(columns):
        justify: JustifyMethod = "right" if side == "right" else "left"
        table.add_column(title, justify=justify, overflow="fold", no_wrap=index == 0)
    return table


def candidate_text(name: str, *, is_wide: bool) -> Text:
    """A candidate's name; in a narrow table a long one has one step a line."""
    return Text(name if is_wide or len(name) <= NAME_LENGTH else name.replace("+", "+\n"), style="bold")


def name_and_text(rows: Iterable[tuple[str, RenderableType]]) -> Table:
    """Names on the left, text that wraps on the right."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="bold", overflow="fold", max_width=26)
    table.add_column(overflow="fold")
    for name, text in rows:
        table.add_row(Text(name), text)
    return table
