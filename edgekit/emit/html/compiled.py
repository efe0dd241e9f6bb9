"""The part of the page on what an NPU's compiler made of the file."""

from __future__ import annotations

from edgekit.documents.compiled import Compiled
from edgekit.documents.report import Metric
from edgekit.emit.html.scatter import is_finite
from edgekit.values import Value
from edgekit.verdict.wording import compiled_facts, figure, waits_for

MOST_ROWS = 250
"""Longer models show only their first layers: nobody reads a page of thousands of rows."""


class CompiledRow(Value):
    """One layer; `share` is its share of all cycles."""

    name: str
    operator: str
    cycles: str
    time: str
    share: str
    waits: str


class CompiledView(Value):
    """The layers, the time outside them, the sum, and the figures of the whole by name.

    The times of `rows` and `rest` sum to `total`, which is the latency of the verdict if that is known.
    """

    rows: tuple[CompiledRow, ...]
    rest: tuple[CompiledRow, ...]
    total: CompiledRow
    basis: str
    facts: tuple[tuple[str, str], ...]


def compiled(made: Compiled | None, latency: Metric | None) -> CompiledView | None:
    """The view of a compiled file; None if there is none. `latency` is that of the verdict."""
    if made is None:
        return None
    shown, more = made.layers[:MOST_ROWS], made.layers[MOST_ROWS:]
    rows = tuple(_row(made, layer.name, layer.operator, layer.cycles, waits_for(layer)) for layer in shown)
    rest = []
    if more:
        rest.append(_row(made, f"{len(more)} more layers", "", sum(layer.cycles for layer in more)))
    if made.between_cycles and made.layers:
        rest.append(_row(made, "between the layers", "", made.between_cycles))
    known = latency is not None and latency.value is not None and is_finite(latency.value)
    whole = float(latency.value) if known and latency and latency.value else made.milliseconds
    if left_ms := made.left_ms(whole):
        names = f"{len(made.left)} operators on the processor"
        rest.append(CompiledRow(name=names, operator="", cycles="", time=_ms(left_ms), share="", waits="predicted"))
    total = CompiledRow(name="all", operator="", cycles=f"{made.cycles:,}", time=_ms(whole), share="", waits="")
    basis = (latency.basis if latency is not None else None) or "simulated"
    return CompiledView(rows=rows, rest=tuple(rest), total=total, basis=basis, facts=tuple(compiled_facts(made)))


def _row(made: Compiled, name: str, operator: str, cycles: int, waits: str = "") -> CompiledRow:
    return CompiledRow(
        name=name,
        operator=operator,
        cycles=f"{cycles:,}",
        time="" if (time := made.milliseconds_of(cycles)) is None else _ms(time),
        share="" if (share := made.share_of(cycles)) is None else f"{share:.1%}",
        waits=waits,
    )


def _ms(value: float) -> str:
    return figure("latency", value, "ms")
