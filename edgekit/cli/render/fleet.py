"""The devices of a build in one table: which passed, with what, at which cost, and the largest miss of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.text import Text

from edgekit.cli.render.console import (
    WIDE,
    candidate_text,
    figures_table,
    make_console,
    name_and_text,
    outcome_text,
    section,
)
from edgekit.documents.report import Report
from edgekit.errors import EdgekitError
from edgekit.verdict.checks import largest_miss
from edgekit.verdict.phrases import shown as metric_text
from edgekit.verdict.wording import ABSENT, missed

FIGURES = {"flash": "flash", "download": "download", "ram": "RAM", "latency": "latency", "accuracy_drop": "drop"}
NARROW = ("flash", "ram", "latency", "accuracy_drop")


def print_fleet(
    reports: Sequence[Report], failed: Mapping[str, EdgekitError], *, console: Console | None = None
) -> None:
    """Print the table of a build of several devices; `failed` are those that have an error instead of a report."""
    console = console or make_console()
    is_wide = console.width >= WIDE
    names = [name for name in FIGURES if is_wide or name in NARROW]
    table = figures_table(
        ("", "left"), ("", "left"), ("chosen", "left"), *((FIGURES[name], "right") for name in names)
    )  # fmt: skip
    for report in reports:
        chosen = report.chosen
        metrics = chosen.metrics if chosen else {}
        shown = [metric_text(name, metrics.get(name)) for name in names]
        name = candidate_text(chosen.candidate, is_wide=is_wide) if chosen else Text(ABSENT)
        table.add_row(Text(report.device, style="bold"), outcome_text(report.outcome), name, *shown)
    for device in failed:
        table.add_row(Text(device, style="bold"), outcome_text("failed"), *[ABSENT] * (1 + len(names)))
    count = len(reports) + len(failed)
    passed = sum(report.outcome == "pass" for report in reports)
    section(console, f"Devices ({passed} of {count} passed)", table)
    told = [(report.device, Text(_miss(report))) for report in reports if report.outcome != "pass"]
    told += [(device, Text(problem.what)) for device, problem in failed.items()]
    if told:
        section(console, "The largest miss of each", name_and_text(told))


def _miss(report: Report) -> str:
    worst = largest_miss(report.checks)
    return missed(worst) if worst else report.summary or "no check was made"
