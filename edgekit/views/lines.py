"""A value in a line: what it is about, its outcome, its key figures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from edgekit.documents.build_result import BuildResult
from edgekit.documents.candidate import Plan
from edgekit.documents.comparison import Comparison
from edgekit.documents.inspection import Inspection
from edgekit.documents.report import Report
from edgekit.verdict.wording import DETAILS, change, costs, figure

MOST_NAMED = 4
SUMS = ("flash", "peak_memory", "macs", "parameters", "latency")


def line(value: Any) -> str:
    """The `repr` of a value.

    >>> line(Report(device="rpi4"))
    '<Report rpi4 fail: no file>'
    """
    name = type(value).__name__
    return f"<{name} {_SAID[name](value)}>"


def _report(value: Report) -> str:
    return f"{value.device} {value.outcome}: {_chosen(value)}"


def _build_result(value: BuildResult) -> str:
    return f"{_report(value.report)}; {value.folder}"


def _plan(value: Plan) -> str:
    names = [candidate.name for candidate in value.candidates]
    more = ", ..." if len(names) > MOST_NAMED else ""
    tried = f"{_counted(len(names), 'candidate')} ({', '.join(names[:MOST_NAMED])}{more})" if names else value.reason
    return f"{value.device} {value.outcome}: {tried}, {len(value.declined)} declined"


def _inspection(value: Inspection) -> str:
    known = {name: value.metrics[name] for name in SUMS if name in value.metrics}
    figures = [
        f"{figure(name, one.value, one.unit)} {name.replace('_', ' ')}" for name, one in known.items() if one.value
    ]
    kind, rows = ("operator", value.operators) if value.operators or not value.layers else ("layer", value.layers)
    on = f" on {value.device}" if value.device else ""
    return f"{value.path}{on}: {', '.join([_counted(len(rows), kind), *figures])}"


def _comparison(value: Comparison) -> str:
    changes = [(one.name, change(one.name, one.a, one.b)) for one in value.metrics if one.name not in DETAILS]
    told = [f"{name} {text}" for name, text in changes if text and text != "same"][:MOST_NAMED]
    verdict = f"{value.outcome}: " if value.rules else ""
    return f"{verdict}{value.a.path} to {value.b.path}: {', '.join(told) or 'no figure changed'}"


def _chosen(report: Report) -> str:
    if report.chosen is None:
        return "no file"
    figures = costs(report.chosen.metrics)
    return f"{report.chosen.candidate}, {figures}" if figures else report.chosen.candidate


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


_SAID: dict[str, Callable[[Any], str]] = {
    "Report": _report,
    "BuildResult": _build_result,
    "Plan": _plan,
    "Inspection": _inspection,
    "Comparison": _comparison,
}
