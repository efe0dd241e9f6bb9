"""A row of the table: a model, how it is made and saved, and what data it takes. `all_rows` lists them in the page's order."""

from __future__ import annotations

import dataclasses
import fnmatch
import importlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

FAMILIES = (
    "applications",
    "convolutions",
    "recurrent",
    "attention",
    "structures",
    "custom",
    "normalisations",
    "activations",
    "operations",
)
"""The modules of `families`, in the page's order."""
Domain = Literal["float", "pixels", "tokens", "text", "sequence"]
"""What inputs hold: numbers from -1 to 1, numbers from 0 to 255, numbers of words, those with zeros after a text's end, or numbers with zeros after a sequence's end."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """A model of the table. `make` gets a Keras (`keras3` or tf_keras) and returns the model with random weights.

    `shape` is that of a sample, for a model that does not tell. `like` is the path of a row whose cells hold for this one too,
    if both load to the same layers. `jumps` says that the model has steps in it (a rounding, a comparison): one step of int8 before them may be a whole
    step after them. `quick` rows are the subset that the tests run. `imports` are modules of `user/`.
    """

    name: str
    group: str
    make: Callable[[Any], Any]
    keras: Literal[2, 3] = 3
    domain: Domain = "float"
    shape: tuple[int, ...] | None = None
    like: str | None = None
    jumps: bool = False
    half: bool = False
    quick: bool = False
    imports: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """What a pattern is matched with, as in 'applications/ResNet50, Keras 2'."""
        return f"{self.group}/{self.name}"


def all_rows() -> list[Row]:
    """Every row; no two have the same path."""
    found = [row for name in FAMILIES for row in importlib.import_module(f"{__package__}.families.{name}").ROWS]
    paths = [row.path for row in found]
    twice = sorted({path for path in paths if paths.count(path) > 1})
    if twice:
        raise ValueError(f"rows of one name: {', '.join(twice)}")
    return found


def chosen(rows: Iterable[Row], patterns: Iterable[str] = (), *, quick: bool = False) -> list[Row]:
    """The rows whose path has one of the patterns in it (`*` and `?` are wildcards); all of them without patterns."""
    return [row for row in rows if (not quick or row.quick) and matching(row.path, patterns)]


def matching(path: str, patterns: Iterable[str]) -> bool:
    """Whether a row's path has one of the patterns in it, or there are none."""
    wanted = [f"*{pattern}*".lower() for pattern in patterns]
    return not wanted or any(fnmatch.fnmatchcase(path.lower(), one) for one in wanted)


def waves(rows: Sequence[Row]) -> list[list[Row]]:
    """The rows in parts, each behind the part that has the rows that its own may be like."""
    parts: list[list[Row]] = []
    rest = list(rows)
    while rest:
        waiting = {row.path for row in rest}
        parts.append([row for row in rest if row.like not in waiting])
        rest = [row for row in rest if row.like in waiting]
    return parts
