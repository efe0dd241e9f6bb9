"""How a text file of columns is written: encoding, separator, decimal sign, column names.

The user's declarations come first, the rest is found from the first lines. What columns are for is not known here.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import gzip
import io
import lzma
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from edgekit.errors import DataError
from edgekit.ingest.printable import listed, shown
from edgekit.values import Value

LOOKED_AT = 30
"""How many lines are read to find the dialect."""
LONGEST_LINE = 8 * 2**20
"""The most characters in a line: 10,000 columns need a hundredth of it."""
MOST_COLUMNS = 100_000
SEPARATORS = (",", ";", "\t", "|")
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_COMMA = re.compile(r"[+-]?\d+,\d+([eE][+-]?\d+)?")
_POINT = re.compile(r"[+-]?\d*\.\d+([eE][+-]?\d+)?")
BROKEN = (OSError, EOFError, zlib.error, lzma.LZMAError)


class Dialect(Value):
    """How a file is written; `names` are its columns in order, empty for a column without a name."""

    encoding: str
    separator: str
    decimal: str
    names: tuple[str, ...]
    has_header: bool


def tell_dialect(path: Path, options: dict[str, Any]) -> Dialect:
    """The dialect of a file, by `separator`, `decimal` and `header` of the options, else by its first lines.

    Raises `DataError` if it has no rows, only one column, a name twice, or no names at all.
    """
    encoding = _encoding(path)
    lines = [line for line, _ in zip(lines_of(path, encoding), range(LOOKED_AT), strict=False)]
    return dialect_of(lines, encoding, options, where=shown(str(path)))


def dialect_of(lines: list[str], encoding: str, options: dict[str, Any], *, where: str) -> Dialect:
    """The dialect of some first lines of a file; raises `DataError` as `tell_dialect` does."""
    if not any(line.strip() for line in lines):
        raise DataError("no rows", where=where, received="an empty file", allowed="a line of names, then rows")
    separator = options["separator"] or _separator(lines, where)
    rows = list(parsed(lines, separator))
    decimal = options["decimal"] or _decimal(rows)
    names = _names(rows, decimal, where, header=options["header"])
    return Dialect(encoding=encoding, separator=separator, decimal=decimal, names=names, has_header=options["header"])


def first_lines(path: Path, most: int) -> tuple[list[str], str, bool]:
    """The whole lines within a file's first bytes, its encoding, and whether these are all its lines."""
    with opened(path) as file:
        start = file.read(most + 1)
    encoding = next((name for mark, name in _MARKS if start.startswith(mark)), "utf-8")
    lines = start[:most].decode(encoding, "replace").splitlines(keepends=True)
    is_whole = len(start) <= most
    return lines if is_whole else lines[:-1], encoding, is_whole


@contextlib.contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """The bytes of a file, decompressed if its name ends in .gz."""
    with path.open("rb") as raw:
        if path.suffix.lower() == ".gz":
            with gzip.open(raw) as unpacked:
                yield unpacked  # type: ignore[misc]
        else:
            yield raw


def lines_of(path: Path, encoding: str) -> Iterator[str]:
    """The lines of a file with their line ends; raises `DataError` if it is not text, or a line does not end."""
    number = 0
    try:
        with opened(path) as raw, io.TextIOWrapper(raw, encoding, newline="") as text:
            while line := text.readline(LONGEST_LINE):
                number += 1
                if len(line) == LONGEST_LINE:
                    raise DataError(
                        "a line without an end", where=f"{shown(str(path))}: line {number}",
                        received=f"more than {LONGEST_LINE} characters", allowed="a row a line",
                    )  # fmt: skip
                yield line
    except UnicodeError as problem:
        raise DataError(
            "not a text file in UTF-8", where=f"{shown(str(path))}: line {number + 1} or after", received=str(problem)[:200],
            allowed="UTF-8, or UTF-16 with a byte order mark",
            next_step="save it as UTF-8, as in: iconv -f windows-1252 -t utf-8 OLD.csv > NEW.csv",
        ) from None  # fmt: skip
    except BROKEN as problem:
        received = f"{type(problem).__name__}: {problem}"[:200]
        raise DataError("the file cannot be read", where=shown(str(path)), received=received) from None


def parsed(lines: list[str], separator: str) -> Iterator[list[str]]:
    """The cells of the rows in some lines, stripped; rows without any are left out."""
    with contextlib.suppress(csv.Error):  # the last line may end within a quoted cell
        for row in csv.reader(lines, delimiter=separator, skipinitialspace=True):
            cells = [cell.strip() for cell in row]
            if any(cells):
                yield cells


def _encoding(path: Path) -> str:
    try:
        with opened(path) as file:
            start = file.read(4)
    except BROKEN as problem:
        received = f"{type(problem).__name__}: {problem}"[:200]
        raise DataError("the file cannot be read", where=shown(str(path)), received=received) from None
    return next((name for mark, name in _MARKS if start.startswith(mark)), "utf-8")


def _separator(lines: list[str], where: str) -> str:
    """The separator with which the most lines have the same number of cells; if several, the one that gives the most cells."""
    best, most = "", (0, 0)
    for separator in SEPARATORS:
        counts = [len(row) for row in parsed(lines, separator)]
        alike = sum(count == counts[0] for count in counts) if counts else 0
        if counts and counts[0] > 1 and (alike, counts[0]) > most:
            best, most = separator, (alike, counts[0])
    if not best:
        raise DataError(
            "fewer than two columns", where=f"{where}: line 1", received=lines[0].strip()[:100],
            allowed="columns with a comma, semicolon, tab or | between them",
            next_step="name the separator in [data], as in separator = ';'",
        )  # fmt: skip
    return best


def _decimal(rows: list[list[str]]) -> str:
    """A comma if some numbers have a decimal comma and none has a point."""
    cells = [cell for row in rows[1:] for cell in row]
    return "," if any(map(_COMMA.fullmatch, cells)) and not any(map(_POINT.fullmatch, cells)) else "."


def is_number(cell: str, decimal: str) -> bool:
    """Whether text is a number.

    >>> is_number("1,5", ","), is_number("1,5", "."), is_number("1.5e3", "."), is_number("1_0", ".")
    (True, False, True, False)
    """
    if "_" in cell or (decimal != "." and "." in cell):
        return False
    try:
        float(cell.replace(decimal, "."))
    except ValueError:
        return False
    return True


def _names(rows: list[list[str]], decimal: str, where: str, *, header: bool) -> tuple[str, ...]:
    first, where = rows[0], f"{where}: line 1"
    if len(first) > MOST_COLUMNS:
        raise DataError("too many columns", where=where, received=len(first), allowed=f"{MOST_COLUMNS} at most")
    if not header:
        return tuple(map(str, range(len(first))))
    if all(is_number(cell, decimal) for cell in first) and first != list(map(str, range(len(first)))):
        raise DataError(
            "no line of column names: the first line holds numbers", where=where, received=", ".join(first)[:100],
            next_step="write names above the columns, or set header = false in [data]; they are then called \"0\", \"1\", ...",
        )  # fmt: skip
    twice = sorted({name for name in first if name and first.count(name) > 1})
    if twice:
        raise DataError("two columns of one name", where=where, received=listed(twice), next_step="rename one of each")
    while (
        len(first) > 1 and not first[-1] and all(len(row) < len(first) or not row[len(first) - 1] for row in rows[1:])
    ):
        first = first[:-1]  # each line ends with a separator
    return tuple(first)
