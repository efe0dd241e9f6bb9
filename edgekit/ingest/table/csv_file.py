"""A CSV file in parts of some thousand rows: the wanted columns as text, with the line of each row."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator
from pathlib import Path

from edgekit.errors import DataError
from edgekit.ingest.printable import shown
from edgekit.ingest.table.dialect import Dialect, lines_of
from edgekit.ingest.table.part import Part, rows_at_once


def csv_parts(path: Path, dialect: Dialect, wanted: tuple[str, ...]) -> Iterator[Part]:
    """The wanted columns of a file's rows; raises `DataError` if a row has another number of cells."""
    places = [dialect.names.index(name) for name in wanted]
    rows, count = _rows(path, dialect), rows_at_once(len(dialect.names))
    while chunk := list(itertools.islice(rows, count)):
        yield Part(
            columns={name: [row[place] for _, row in chunk] for name, place in zip(wanted, places, strict=True)},
            lines=[line for line, _ in chunk],
            unit="line",
            done=chunk[-1][0],
        )


def _rows(path: Path, dialect: Dialect) -> Iterator[tuple[int, list[str]]]:
    """First line and stripped cells of each row that is not empty, the header left out."""
    reader = csv.reader(lines_of(path, dialect.encoding), delimiter=dialect.separator, skipinitialspace=True)
    count, is_header = len(dialect.names), dialect.has_header
    begin = 1
    try:
        for row in reader:
            line, begin = begin, reader.line_num + 1
            if not any(row):
                continue
            if is_header:
                is_header = False
                continue
            cells = [cell.strip() for cell in row]
            if len(cells) != count and not (len(cells) > count and not any(cells[count:])):
                raise DataError(
                    "a row with another number of cells than there are columns",
                    where=f"{shown(str(path))}: line {line}",
                    received=f"{len(cells)} cells: {shown(dialect.separator.join(cells)[:100])}",
                    allowed=f"{count} cells with {dialect.separator!r} between them",
                    next_step="mend the line; text with a separator in it stands in double quotes, each of which must be closed",
                )
            yield line, cells
    except csv.Error as problem:
        raise DataError(
            "a line that is no CSV", where=f"{shown(str(path))}: line {begin}", received=str(problem)[:200],
            next_step="look for a double quote that is not closed",
        ) from None  # fmt: skip
