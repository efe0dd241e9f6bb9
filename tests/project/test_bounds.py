"""The bounds of the project's numbers, as docs/quickstart.md has them: those of the types."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from msgspec import inspect

from edgekit.project.project_file import ProjectFile
from edgekit.project.quantities import LATENCY, SIZE, TIME_BUDGET

PAGE = Path(__file__).resolve().parents[2] / "docs" / "quickstart.md"
OF_QUANTITIES = {
    "time_budget": TIME_BUDGET.bounds, "budget.flash": SIZE.bounds, "budget.download": SIZE.bounds,
    "budget.ram": SIZE.bounds, "budget.latency": LATENCY.bounds,
}  # fmt: skip


def bounds(kind: inspect.Type, name: str) -> Iterator[tuple[str, str]]:
    """The dotted keys below a type that have bounds, with these in words."""
    if isinstance(kind, inspect.StructType):
        for field in kind.fields:
            yield from bounds(field.type, f"{name}.{field.encode_name}".removeprefix("."))
    elif isinstance(kind, inspect.Metadata):
        yield from bounds(kind.type, name)
    elif isinstance(kind, inspect.UnionType):
        for one in kind.types:
            yield from bounds(one, name)
    elif isinstance(kind, inspect.TupleType):
        yield from {found for one in kind.item_types for found in bounds(one, name)}
    elif isinstance(kind, inspect.VarTupleType):
        yield from bounds(kind.item_type, name)
    elif isinstance(kind, inspect.IntType | inspect.FloatType) and in_words(kind):
        yield name, in_words(kind)


def in_words(kind: inspect.IntType | inspect.FloatType) -> str:
    """The bounds of a number; empty where it has none."""
    low = f"above {kind.gt:,.10g}" if kind.gt is not None else "" if kind.ge is None else f"{kind.ge:,.10g}"
    if kind.le is not None:
        return f"{low} to {kind.le:,.10g}"
    low = f"{low} or more" if kind.ge is not None else low
    return f"{low}, below {kind.lt:,.10g}" if kind.lt is not None else low


def test_the_quickstart_has_the_bounds_of_every_number():
    table = PAGE.read_text(encoding="utf-8").split("<!-- bounds: begin -->")[1].split("<!-- bounds: end -->")[0]
    rows = [row.strip("|").split("|") for row in table.strip().splitlines()[2:]]
    said = {key: words.strip() for keys, words in rows for key in re.findall(r"`([\w.]+)`", keys)}
    assert said == dict(bounds(inspect.type_info(ProjectFile), "")) | OF_QUANTITIES
