"""The part of the page on what an NPU's compiler made of the file."""

from __future__ import annotations

from edgekit.compiled import Compiled
from edgekit.values import Value
from edgekit.wording import compiled_facts, waits_for

MOST_ROWS = 250
"""Longer models show their first layers: a page of thousands of rows is read by nobody."""


class CompiledRow(Value):
    """One layer; `share` is of the whole."""

    name: str
    operator: str
    cycles: str
    share: str
    waits: str


class CompiledView(Value):
    """The layers, and the figures of the whole by name; `left_out` says how many layers are not shown."""

    rows: tuple[CompiledRow, ...]
    facts: tuple[tuple[str, str], ...]
    left_out: str


def compiled(made: Compiled | None) -> CompiledView | None:
    """The view of it; None where there is nothing."""
    if made is None:
        return None
    rows = tuple(
        CompiledRow(
            name=layer.name,
            operator=layer.operator,
            cycles=f"{layer.cycles:,}",
            share=f"{layer.cycles / made.cycles:.1%}" if made.cycles else "",
            waits=waits_for(layer),
        )
        for layer in made.layers[:MOST_ROWS]
    )
    more = len(made.layers) - MOST_ROWS
    return CompiledView(
        rows=rows, facts=tuple(compiled_facts(made)), left_out=f"{more} more layers" if more > 0 else ""
    )
