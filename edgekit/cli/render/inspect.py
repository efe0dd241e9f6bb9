"""An inspection for people: the sums with their basis, and the layers or operators, the heaviest first."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console, RenderableType
from rich.rule import Rule
from rich.text import Text

from edgekit.cli.render.console import WIDE, figures_table, make_console, name_and_text, section
from edgekit.documents.inspection import InspectedLayer, InspectedOperator, Inspection
from edgekit.documents.report import Metric
from edgekit.tflite.labels import printable
from edgekit.units import format_size
from edgekit.verdict.phrases import rows_title
from edgekit.verdict.wording import ABSENT, count, figure, interval, rough, span

Row = InspectedLayer | InspectedOperator
TITLES = {"peak_memory": "peak memory"}
ORDERS = {"flash": "flash", "memory": "memory", "macs": "MACs", "parameters": "parameters", "latency": "latency"}


def print_inspection(
    found: Inspection, *, top: int | None = None, brief: bool = False, console: Console | None = None
) -> None:
    """Print an inspection; `top` limits the rows, `brief` prints a single line."""
    console = console or make_console()
    rows: Sequence[Row] = found.operators or found.layers
    kind = "operator" if found.operators or not found.layers else "layer"
    if brief:
        console.print(Text(f"{found.path}  {_counted(len(rows), kind)}  {_sums(found)}"), soft_wrap=True)
        return
    console.print(
        Rule(
            Text.assemble((_named(found), "bold"), f"  {found.format}  {_counted(len(rows), kind)}"),
            align="left",
            style="dim",
        )
    )
    console.print(
        name_and_text((TITLES.get(name, name), _metric(name, metric)) for name, metric in found.metrics.items())
    )
    for title, ports in (("input", found.inputs), ("output", found.outputs)):
        for port in ports:
            console.print(name_and_text([(title, Text(f"{printable(port.name)} {port.dtype} {_shape(port.shape)}"))]))
    shown = rows[:top]
    if shown:
        order = "in the model's order" if found.order == "model" else f"the heaviest by {ORDERS[found.order]} first"
        section(console, f"{rows_title(kind)}, {order}", _table(found, shown, console.width))
    console.print(Text(f"  {_rest(found, rows[len(shown) :], kind)}", style="dim"))
    if found.notes:
        section(console, "Notes", name_and_text(("-", Text(note)) for note in found.notes))
    if found.device and console.width < WIDE:
        console.print(
            Text("  Milliseconds are predicted; a wider terminal and --json show their intervals.", style="dim")
        )


def _named(found: Inspection) -> str:
    return found.path if not found.device else f"{found.path} on {found.device}"


def _counted(number: int, kind: str) -> str:
    return f"{number} {kind}" if number == 1 else f"{number} {kind}s"


def _sums(found: Inspection) -> str:
    return ", ".join(
        f"{figure(name, metric.value, metric.unit)} {TITLES.get(name, name)}"
        for name, metric in found.metrics.items()
        if metric.value is not None
    )


def _metric(name: str, metric: Metric) -> Text:
    if metric.value is None:
        return Text(f"{ABSENT}  {metric.reason}")
    text = Text(figure(name, metric.value, metric.unit))
    bounds = interval(name, metric.low, metric.high, metric.unit) if metric.low != metric.high else ""
    return text.append(f"  {metric.basis}{f', {bounds}' if bounds else ''}", style="dim")


def _table(found: Inspection, rows: Sequence[Row], width: int) -> RenderableType:
    is_wide = width >= WIDE
    timed = any(row.latency is not None for row in rows)
    columns = [
        "output",
        "parameters" if is_wide else "params",
        "MACs",
        "flash",
        "memory",
        *(["latency"] if timed else []),
    ]
    table = figures_table(("", "left"), ("", "left"), *((name, "right") for name in columns))
    for row in rows:
        cells = [
            Text(_shape(_output(row)), style="dim"),
            Text(count(row.parameters) if row.parameters else ABSENT),
            Text(count(row.macs) if row.macs else ABSENT),
            _share(row.flash_bytes, row.flash_share, is_wide=is_wide),
            _share(row.memory_bytes, row.memory_share, is_wide=is_wide),
        ]
        if timed:
            cells.append(_time(row, is_wide=is_wide))
        table.add_row(
            Text(str(row.index), style="dim"),
            _name(row, is_wide=is_wide, is_peak=row.index == found.peak_index),
            *cells,
        )
    return table


def _name(row: Row, *, is_wide: bool, is_peak: bool) -> Text:
    between = "  " if is_wide else "\n"
    if isinstance(row, InspectedOperator):
        text = Text(printable(row.label), style="bold").append(
            f"{between}{printable(row.name)} {row.dtype}", style="not bold dim"
        )
    else:
        text = Text(printable(row.name), style="bold").append(f"{between}{printable(row.kind)}", style="not bold dim")
        if row.merged_into:
            text.append(f" in {printable(row.merged_into)}", style="not bold dim")
    return text.append("  peak", style="not bold yellow") if is_peak else text


def _output(row: Row) -> tuple[int | None, ...]:
    if isinstance(row, InspectedOperator):
        return row.output_shapes[0] if row.output_shapes else ()
    return (None, *row.output_shape)


def _shape(shape: tuple[int | None, ...]) -> str:
    return "x".join("?" if size is None else str(size) for size in shape) or "scalar"


def _share(size: int | None, share: float | None, *, is_wide: bool) -> Text:
    if not size or share is None:
        return Text(ABSENT, style="dim")
    return Text(format_size(size)).append(f"{'  ' if is_wide else chr(10)}{share:.1%}", style="dim")


def _time(row: Row, *, is_wide: bool) -> Text:
    if row.latency is None:
        return Text(ABSENT, style="dim")
    text = Text(rough(row.latency.value, "ms"))
    bounds = span(rough(row.latency.low, "ms"), rough(row.latency.high, "ms"))
    return text.append(f"\n{bounds}", style="dim") if is_wide else text


def _rest(found: Inspection, rows: Sequence[Row], kind: str) -> str:
    """What is not in the table: rows that were left out, and the bytes that are no row's."""
    other = f"{format_size(found.other_bytes)} of flash ({found.other_share:.1%}) are the graph, names and scales"
    if not rows:
        return other
    left = sum(row.flash_bytes for row in rows)
    return f"{_counted(len(rows), f'more {kind}')} with {format_size(left)} of flash; {other}"
