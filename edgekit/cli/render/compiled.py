"""What an NPU's compiler made of a file, for people: where the cycles go, and what stays on the processor."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from edgekit.cli.render.console import figures_table, name_and_text
from edgekit.documents.compiled import Compiled
from edgekit.verdict.wording import compiled_facts, waits_for

MOST = 40
"""At most so many layers are shown on a terminal; the report has them all."""


def compiled_table(made: Compiled) -> RenderableType:
    """The layers with their cycles, and the figures of the whole."""
    parts: list[RenderableType] = []
    if made.layers:
        table = figures_table(("", "left"), ("", "left"), ("cycles", "right"), ("share", "right"), ("", "left"))
        for layer in made.layers[:MOST]:
            share = made.share_of(layer.cycles)
            said = "" if share is None else f"{share:.1%}"
            table.add_row(Text(layer.name), Text(layer.operator), f"{layer.cycles:,}", said, waits_for(layer))
        parts.append(table)
    if len(made.layers) > MOST:
        parts.append(Text(f"and {len(made.layers) - MOST} more layers", style="dim"))
    rows: list[tuple[str, RenderableType]] = [(name, Text(text)) for name, text in compiled_facts(made)]
    return Group(*parts, name_and_text(rows))
