"""A comparison for people: the rules first, then figures, checks, operators and weights side by side.

It shows a `Comparison` and decides nothing. Long lists are cut after `MOST_ROWS`, with the largest changes first; `--json`
has all of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console, Group, RenderableType
from rich.rule import Rule
from rich.text import Text

from edgekit.cli.render.console import figures_table, make_console, name_and_text, outcome_text, section
from edgekit.cli.render.report import reasons_with_names
from edgekit.documents.comparison import (
    CheckChange,
    Comparison,
    FileChanges,
    MetricChange,
    OperatorChange,
    RuleResult,
    Side,
    WeightChange,
)
from edgekit.documents.report import Check, Metric
from edgekit.units import format_size
from edgekit.verdict.phrases import bases, signed, steps_text
from edgekit.verdict.wording import ABSENT, DETAILS, MOST_FACTOR, count, figure, interval, plain, relative

MOST_ROWS = 12
MOST_NAMES = 6
LEAST_PERCENT = 0.005  # a smaller change is shown in the metric's own unit
NAMES = {"input_shapes": "input", "output_shapes": "output", "flash_bytes": "flash"}


def print_comparison(found: Comparison, *, brief: bool = False, console: Console | None = None) -> None:
    """Print a comparison; `brief` prints one line for each rule, or one line that there are no rules."""
    console = console or make_console()
    if brief:
        _print_brief(console, found)
        return
    verdict = (Text("  "), outcome_text(found.outcome)) if found.rules else ()
    title = Text.assemble("edgekit compare", *verdict)
    console.print(Rule(title, align="left", style="dim"))
    console.print(name_and_text((("A", _side(found.a)), ("B", _side(found.b)))))
    if found.rules:
        section(console, "Rules", _rules(found.rules))
    section(console, "Figures", _figures(found.metrics))
    if found.checks:
        section(console, "Checks that changed", name_and_text(map(_check_change, found.checks)))
    if found.file is not None:
        _print_file(console, found.file)
    else:
        section(console, "Operators and weights", Text(f"not compared: {found.file_reason}"))
    if found.notes:
        section(console, "Notes", name_and_text(("-", Text(note)) for note in found.notes))


def _print_brief(console: Console, found: Comparison) -> None:
    for rule in found.rules:
        console.print(Text.assemble(outcome_text(rule.outcome), f"  {rule.rule}  {rule.reason}"), soft_wrap=True)
    if not found.rules:
        console.print(Text("no rules: nothing was asked (--fail-if)"))


def _side(side: Side) -> Text:
    text = Text(side.file, overflow="fold")
    if side.kind == "report":
        text.append(f"\n{side.device}: {side.candidate or 'no candidate gave a file'} ")
        text.append(outcome_text(side.outcome or "unknown"))
        if side.steps:
            text.append(f"\n{steps_text(side.steps)}", style="dim")
    return text


def _rules(rules: Sequence[RuleResult]) -> RenderableType:
    table = name_and_text(())
    table.add_column(overflow="fold")
    for rule in rules:
        table.add_row(Text(rule.rule), outcome_text(rule.outcome), Text(rule.reason))
    return table


def _figures(metrics: Sequence[MetricChange]) -> RenderableType:
    table = figures_table(("", "left"), ("A", "right"), ("B", "right"), ("change", "left"), ("basis", "left"))
    metrics = [metric for metric in metrics if metric.name not in DETAILS]
    for metric in metrics:
        cells = (_value(metric.name, metric.a), _value(metric.name, metric.b), Text(change_text(metric)))
        table.add_row(Text(metric.name, style="bold"), *cells, Text(bases((metric.a, metric.b)), style="dim"))
    told = reasons_with_names((metric.name, metric.reason) for metric in metrics if metric.reason)
    rows = [(name, Text.assemble("not compared: ", reason)) for name, reason in told]
    return Group(table, Text(), name_and_text(rows)) if rows else table


def _value(name: str, metric: Metric) -> Text:
    text = Text(figure(name, metric.value, metric.unit))
    if bounds := interval(name, metric.low, metric.high, metric.unit):
        text.append(f"\n{bounds}", style="dim")
    return text


def change_text(metric: MetricChange) -> str:
    """A change as the rules count it: in points where the metric is a share, else in percent of A's value."""
    if metric.change is None:
        return ABSENT
    if metric.change == 0:
        return "same"
    if metric.unit in ("fraction", "points") and metric.points is not None:
        return f"{metric.points:+.2f} points"
    if metric.percent is None or abs(metric.percent) < LEAST_PERCENT:
        return signed(metric.change, metric.unit)
    return relative(float(metric.a.value or 0), float(metric.b.value or 0)) or signed(metric.change, metric.unit)


def _check_change(change: CheckChange) -> tuple[str, RenderableType]:
    said = [_check(change.name, each) for each in (change.a, change.b)]
    text = Text.assemble(said[0], " to ", said[1])
    if change.b is not None and change.b.outcome != "pass" and change.b.reason:
        text.append(f": {change.b.reason}")
    return change.name, text


def _check(name: str, check: Check | None) -> Text:
    if check is None:
        return Text("not there", style="dim")
    limit = "" if check.limit is None else f" (limit {figure(name, check.limit, check.unit)})"
    return outcome_text(check.outcome).append(limit, style="not bold default")


def _print_file(console: Console, file: FileChanges) -> None:
    if not file.operators and not file.weights:
        equal = f"{file.equal_operators} operators and {file.equal_weights} weights, all equal"
        same = (
            "the two files are the same, byte for byte" if file.identical else f"{equal}: only names or metadata differ"
        )
        section(console, "Operators and weights", Text(same))
        return
    operators = sorted(file.operators, key=lambda each: -abs(_bytes(each.b, "flash_bytes", each.a)))
    title = f"Operators ({file.equal_operators} equal, {len(operators)} not)"
    section(console, title, _rows([(_operator_name(each), _operator(each)) for each in operators]))
    weights = sorted(
        file.weights, key=lambda each: (-abs(_bytes(each.b, "size_bytes", each.a)), -(each.distance or 0))
    )  # fmt: skip
    title = f"Weights ({file.equal_weights} equal, {len(weights)} not)"
    section(console, title, _rows([(_weight_name(each), _weight(each)) for each in weights]))
    section(console, "Where the change of size lies", _flash(file))


def _bytes(b: object, name: str, a: object) -> int:
    """The change of a size in bytes; if one side does not exist, the whole size of the other."""
    return int(getattr(b, name, 0)) - int(getattr(a, name, 0))


def _rows(rows: list[tuple[str, str]]) -> RenderableType:
    if not rows:
        return Text("none", style="dim")
    named: dict[str, list[str]] = {}
    for name, text in rows:
        named.setdefault(text, []).append(name)
    shown = [(_names(names), Text(text)) for text, names in list(named.items())[:MOST_ROWS]]
    more = sum(len(names) for names in list(named.values())[MOST_ROWS:])
    return name_and_text([*shown, ("...", Text(f"{more} more with smaller changes, in --json"))] if more else shown)


def _names(names: list[str]) -> str:
    """Each name once, with its number of occurrences if it has several."""
    unique = list(dict.fromkeys(names))
    said = ", ".join(unique[:MOST_NAMES]) + (", ..." if len(unique) > MOST_NAMES else "")
    return said if len(names) == len(unique) <= MOST_NAMES else f"{said} ({len(names)})"


def _operator_name(change: OperatorChange) -> str:
    row = change.b or change.a
    return "" if row is None else row.label


def _operator(change: OperatorChange) -> str:
    if change.a is None or change.b is None:
        row = change.b or change.a
        if row is None:
            return ""
        size = f", flash {format_size(row.flash_bytes)}" if row.flash_bytes else ""
        return f"{change.change}: {row.name}{size}"
    parts = [_pair(name, getattr(change.a, name), getattr(change.b, name)) for name in change.fields]
    name = "" if "name" in change.fields else f"{change.b.name}: "
    return name + ", ".join(parts)


def _weight_name(change: WeightChange) -> str:
    facts = change.b or change.a
    return "" if facts is None else f"{facts.operator} {facts.role}"


def _weight(change: WeightChange) -> str:
    if change.a is None or change.b is None:
        facts = change.b or change.a
        return "" if facts is None else f"{change.change}: {facts.dtype}, {format_size(facts.size_bytes)}"
    both = [(name, getattr(change.a, name, None), getattr(change.b, name, None)) for name in change.fields]
    parts = [_pair(*each) for each in both if each[0] not in ("scale_low", "scale_high") and None not in each]
    if change.a.scales == change.b.scales and {"scale_low", "scale_high"} & set(change.fields):
        parts.append("other scales")
    if change.distance is not None:
        parts.append(
            f"values {_apart(change.distance)} apart, at most {plain(change.largest or 0.0, 3)}"
            if change.distance
            else ""
        )
    elif change.reason:
        parts.append(f"values not compared: {change.reason}")
    return ", ".join(part for part in parts if part)


def _apart(distance: float) -> str:
    """How far apart weights are, relative to the size of A's."""
    return f"{distance:.2%}" if distance < MOST_FACTOR else f"{distance:,.3g} times their own size"


def _pair(name: str, a: object, b: object) -> str:
    """One field of both: 'flash 72.0 KiB to 18.0 KiB'."""
    old, new = (_field(name, each) for each in (a, b))
    word = NAMES.get(name, name.replace("_", " "))
    return f"{old} to {new}" if name in ("dtype", "name", "size_bytes") else f"{word} {old} to {new}"


def _field(name: str, value: object) -> str:
    if isinstance(value, tuple):
        return "x".join(map(str, value)) if not value or isinstance(value[0], int) else ", ".join(_shapes(value))
    if isinstance(value, int | float):
        if name.endswith("bytes"):
            return format_size(value)
        return f"{value:.1%}" if name == "zeros" else count(value) if name in ("macs", "parameters") else str(value)
    return ABSENT if value is None else str(value)


def _shapes(shapes: Iterable[Sequence[int]]) -> list[str]:
    return ["x".join(map(str, shape)) for shape in shapes]


def _flash(file: FileChanges) -> RenderableType:
    flash = file.flash
    rows = (
        ("operators' constants", flash.constants_bytes),
        ("graph, names, scales", flash.other_bytes),
        ("the whole file", flash.total_bytes),
    )
    return name_and_text((name, Text(signed(size, "B") if size else "same")) for name, size in rows)
