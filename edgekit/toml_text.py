"""The tables of a text in TOML; its keys are not known here."""

from __future__ import annotations

import sys
from typing import Any

from edgekit.errors import InputError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def tables_of(text: str, where: str, error: type[InputError]) -> dict[str, Any]:
    """The tables of a text; raises `error` for what is no TOML, and for lists that lie too deep in each other to be read. `where` names the text."""
    try:
        tables: dict[str, Any] = tomllib.loads(text)
    except RecursionError:
        line, depth = deepest(text)
        raise error(
            "lists or tables too deep in each other", where=f"{where}: line {line}", received=f"{depth} in each other",
            allowed="a few: as many brackets as a value has axes", next_step="close each bracket where its list ends, and take out those that are too many",
        ) from None  # fmt: skip
    except ValueError as problem:
        raise not_toml(where, problem, error) from None
    return tables


def not_toml(where: str, problem: ValueError, error: type[InputError]) -> InputError:
    """The error for a text that is no TOML, or bytes that are no text."""
    return error(
        "not a TOML file", where=where, received=str(problem), allowed="TOML (https://toml.io) in UTF-8",
        next_step="mend it there: text stands in quotes, a table's name in [brackets], and a key once",
    )  # fmt: skip


def deepest(text: str) -> tuple[int, int]:
    """The line, counted from 1, where most brackets are open, and how many; brackets in quoted text count too.

    >>> deepest("[model]\\nheld = { mask = [[1, 2]] }")
    (2, 3)
    """
    depth, found = 0, (1, 0)
    for number, line in enumerate(text.splitlines(), start=1):
        for letter in line:
            depth += (letter in "[{") - (letter in "]}")
            found = max(found, (number, depth), key=lambda one: one[1])
    return found
