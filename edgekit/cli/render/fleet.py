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
from edgekit.documents.report import Check, Report
from edgekit.errors import EdgekitError
from edgekit.verdict.checks import misses, shortfall
from edgekit.verdict.wording import ABSENT, beside, figure

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
        shown = [figure(name, metrics[name].value, metrics[name].unit) if name in metrics else ABSENT for name in names]
        name = candidate_text(chosen.candidate, is_wide=is_wide) if chosen else Text(ABSENT)
        table.add_row(Text(report.device, style="bold"), outcome_text(report.outcome), name, *shown)
    for device in failed:
        table.add_row(Text(device, style="bold"), outcome_text("failed"), *[ABSENT] * (1 + len(names)))
    count = len(reports) + len(failed)
    passed = sum(report.outcome == "pass" for report in reports)
    section(console, f"Devices ({passed} of {count} passed)", table)
    told = [(report.device, Text(largest_miss(report))) for report in reports if report.outcome != "pass"]
    told += [(device, Text(problem.what)) for device, problem in failed.items()]
    if told:
        section(console, "The largest miss of each", name_and_text(told))


def largest_miss(report: Report) -> str:
    """The check that misses its limit by the largest share; an unknown one counts as the largest miss of all."""
    missed = misses(report.checks)
    if not missed:
        return report.summary or "no check was made"
    worst = max(missed, key=shortfall)
    return f"{worst.name}: {_held(worst)}{worst.reason}"


def _held(check: Check) -> str:
    if check.value is None or check.limit is None:
        return ""
    value, limit = beside(check.name, check.value, check.limit, check.unit)
    return f"{value} where {limit} is allowed, "
