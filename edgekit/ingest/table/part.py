"""A part of a table, column by column, and where its rows are in the file."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

Column = Sequence[Any] | np.ndarray
ROWS, CELLS = 4096, 400_000
"""The most rows of a part, and about the most cells: a cell takes fifty bytes as text."""


def rows_at_once(columns: int) -> int:
    """How many rows a part of so many columns has.

    >>> rows_at_once(3), rows_at_once(10_000)
    (4096, 40)
    """
    return max(1, min(ROWS, CELLS // max(1, columns)))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Part:
    """Some rows: the cells of each column by name (text as it was read, or numbers), and the line or row of each.

    `unit` is what `lines` count, 'line' or 'row'; `done` and `total` say how far the file has been read.
    """

    columns: dict[str, Column]
    lines: Sequence[int]
    unit: str
    done: int = 0
    total: int = 0

    def place(self, file: str, row: int, column: str) -> str:
        """Where a cell is, for a message."""
        return f"{file}: {self.unit} {self.lines[row]}, column {column!r}"
