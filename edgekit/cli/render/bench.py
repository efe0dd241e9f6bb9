"""A measurement for people: times, memory and operators, how well the outputs agree, and what the measurement changes.

It shows a `BenchResult` and decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.rule import Rule
from rich.text import Text

from edgekit.cli.render.console import make_console, name_and_text, outcome_text, section
from edgekit.documents.bench_result import BenchResult
from edgekit.units import format_ms, format_size
from edgekit.verdict.wording import beside, relative, steadiness

Rows = list[tuple[str, Text]]


def print_bench(result: BenchResult, *, brief: bool = False, console: Console | None = None) -> None:
    """Print a measurement; `brief` prints a single line."""
    console = console or make_console()
    if brief:
        line = Text.assemble(outcome_text(result.outcome), f"  {result.device}  {result.summary}")
        console.print(line, soft_wrap=True)
        return
    title = Text.assemble("edgekit bench ", (result.device, "bold"), "  ", outcome_text(result.outcome))
    console.print(Rule(title, align="left", style="dim"))
    console.print(Text(result.summary))
    section(console, "Measured", name_and_text([*_times(result), *_memory(result), *_operators(result)]))
    section(console, "Checks", name_and_text(_checks(result)))
    section(console, "Where", name_and_text(_where(result)))
    if result.notes:
        section(console, "Notes", name_and_text(("-", Text(_plain(note))) for note in result.notes))


def _times(result: BenchResult) -> Rows:
    latency = result.latency
    if latency is None:
        return [("latency", Text("no time was taken: an emulator tells none"))]
    rows: Rows = [
        ("latency", Text(f"{format_ms(latency.median_ms)} median of {latency.runs} runs", style="bold")),
        (
            "",
            Text(
                f"min {format_ms(latency.min_ms)}, 90% {format_ms(latency.p90_ms)}, 99% {format_ms(latency.p99_ms)}, "
                f"{steadiness(latency.steady, latency.spread, latency.slow)}"
            ),
        ),
    ]
    if result.load_ms is not None and result.first_ms is not None:
        rows.append(("load", Text(f"{format_ms(result.load_ms)}, first inference {format_ms(result.first_ms)}")))
    sustained = result.sustained
    if sustained is not None:
        first, last = sustained.first, sustained.last
        rows.append(
            (
                "sustained",
                Text(
                    f"{sustained.minutes:g} min: {_plain(first.what)} {format_ms(first.median_ms)}, {_plain(last.what)} "
                    f"{format_ms(last.median_ms)} ({relative(first.median_ms, last.median_ms) or 'as at the beginning'})"
                ),
            )
        )
    return rows


def _memory(result: BenchResult) -> Rows:
    memory = result.memory
    if memory is None:
        return [("memory", Text("not known"))]
    return [
        (
            "memory",
            Text(f"{format_size(memory.added_bytes)} added by the model, {format_size(memory.peak_bytes)} at most"),
        )
    ]


def _operators(result: BenchResult) -> Rows:
    operators, delegate = result.operators, result.delegate
    rows: Rows = []
    if delegate.reason:
        rows.append(("delegate", Text(f"{_plain(delegate.asked)}: {_plain(delegate.reason)}")))
    if operators.left:
        rows.append(("not delegated", Text(", ".join(_plain(name) for name in dict.fromkeys(operators.left)))))
    for row in sorted(operators.profile or (), key=lambda row: -row.ms)[:10]:
        rows.append((_plain(row.name), Text(f"{format_ms(row.ms)}, {row.share:.0%}")))
    return rows


def _checks(result: BenchResult) -> Iterable[tuple[str, Text]]:
    for check in result.checks:
        text = Text.assemble(outcome_text(check.outcome))
        if check.value is not None and check.limit is not None:
            text.append(f"  {' of '.join(beside(check.name, check.value, check.limit, check.unit))}")
        if check.reason:
            text.append(f"  {_plain(check.reason)}", style="dim")
        yield check.name, text


def _where(result: BenchResult) -> Rows:
    environment = result.environment
    runtime = f"{environment.runtime or 'no runtime'} {environment.runtime_version or ''}"
    rows: Rows = [
        ("board", Text(f"{_plain(result.board)} ({result.on})")),
        ("system", Text(_plain(f"{environment.system}, {environment.machine}, Linux {environment.kernel}"))),
        ("runtime", Text(_plain(f"{runtime}, {environment.threads} threads, Python {environment.python}"))),
    ]
    before, after = environment.temperature_c.before, environment.temperature_c.after
    if before is not None and after is not None:
        rows.append(("temperature", Text(f"{before:.0f} °C before, {after:.0f} °C after")))
    if environment.governor is not None:
        rows.append(("governor", Text(_plain(environment.governor))))
    if environment.throttled.after:
        rows.append(("throttled", Text(_plain(", ".join(environment.throttled.after)), style="bold yellow")))
    if result.kept is not None:
        used = "the next report of this file uses it" if result.counts else "no report uses it"
        rows.append(("kept", Text(f"{result.kept}; {used}")))
    return rows


def _plain(text: str) -> str:
    """A text from the device, safe for a terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
