"""A value as HTML: for a report, the page's own parts; for others, tables in the page's style."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch
from typing import Any

from edgekit.devices.bundled import profile_ids
from edgekit.devices.profile import DeviceProfile, load_profile
from edgekit.documents.build_result import BuildResult
from edgekit.documents.candidate import Candidate, Declined, Estimate, Plan
from edgekit.documents.comparison import Comparison, MetricChange
from edgekit.documents.inspection import InspectedLayer, InspectedOperator, Inspection
from edgekit.documents.report import Report
from edgekit.emit.html import html_report
from edgekit.emit.html.figures import NOTHING, Figure, shown
from edgekit.emit.html.fragment import Piece, pieces, sections
from edgekit.units import format_size
from edgekit.verdict.checks import UNITS
from edgekit.verdict.phrases import DECLINED, grouped, predicted, rows_title, would_be_tried
from edgekit.verdict.wording import change, count, figure

SECTIONS = ("result", "decisions", "checks", "candidates", "findings", "declined", "notes")
MOST_ROWS = 50
Row = InspectedLayer | InspectedOperator


@singledispatch
def html(value: Any) -> str:
    """A value as self-contained HTML without scripts."""
    raise TypeError(f"no view of {type(value).__name__}")


@html.register
def _(value: Report) -> str:
    return sections(html_report(value, profile=_profile(value.device)), SECTIONS)


@html.register
def _(value: BuildResult) -> str:
    return html(value.report)


def _profile(device: str) -> DeviceProfile | None:
    """The bundled profile; a user's own profile is not looked for, since its path is not known."""
    return load_profile(device) if device in profile_ids() else None


@html.register
def _(value: Plan) -> str:
    limits = ", ".join(f"{name} {figure(name, limit, UNITS.get(name, ''))}" for name, limit in value.limits.items())
    names = [name for name in UNITS if any(name in each.estimates for each in value.candidates)]
    tried = Piece(
        title=would_be_tried(len(value.candidates)),
        columns=("candidate", *names),
        rows=tuple((each.name, *(_estimate(each, name) for name in names)) for each in value.candidates),
    )
    said = value.reason or (f"within {limits}" if limits else "")
    outcome = "pass" if value.outcome == "possible" else "fail"
    return pieces(f"Plan for {value.device}", f"{value.outcome}: {said}", [tried, _declined(value.declined)], outcome)


def _declined(declined: Sequence[Declined]) -> Piece:
    found = grouped((each.technique, each.reason) for each in declined)
    rows = tuple((", ".join(names), reason) for names, reason in found)
    return Piece(title=DECLINED, columns=("technique", "reason"), rows=rows)


def _estimate(candidate: Candidate, name: str) -> Figure:
    return _predicted(candidate.estimates.get(name), UNITS[name])


def _predicted(estimate: Estimate | None, unit: str) -> Figure:
    if estimate is None:
        return NOTHING
    text, detail = predicted(estimate, unit)
    return Figure(text=text, basis="predicted", detail=detail)


@html.register
def _(value: Inspection) -> str:
    found: Sequence[Row] = value.operators or value.layers
    sums = Piece(
        title="The whole",
        columns=("", "figure"),
        rows=tuple((name.replace("_", " "), shown(name, metric)) for name, metric in value.metrics.items()),
    )
    timed = ["time"] if any(row.latency for row in found) else []
    rows = Piece(
        title=rows_title("operator" if value.operators else "layer"),
        columns=("", "output", "parameters", "MACs", "flash", "memory", *timed),
        rows=tuple(_row(row, timed=bool(timed)) for row in found[:MOST_ROWS]),
        text=f"{len(found) - MOST_ROWS} more are in the frame." if len(found) > MOST_ROWS else "",
    )
    return pieces(value.path, value.format, [sums, rows])


def _row(row: Row, *, timed: bool) -> tuple[str | Figure, ...]:
    if isinstance(row, InspectedOperator):
        name, basis = f"{row.label} ({row.name})", "measured"
        shape: tuple[int | None, ...] = row.output_shapes[0] if row.output_shapes else ()
    else:
        name, basis, shape = f"{row.name} ({row.kind})", "predicted", (None, *row.output_shape)
    cells = (
        name,
        "×".join("?" if size is None else str(size) for size in shape) or "scalar",
        Figure(text=count(row.parameters)),
        Figure(text=count(row.macs)),
        Figure(text=format_size(row.flash_bytes), basis=basis),
        NOTHING if row.memory_bytes is None else Figure(text=format_size(row.memory_bytes), basis="predicted"),
    )
    return (*cells, _predicted(row.latency, "ms")) if timed else cells


@html.register
def _(value: Comparison) -> str:
    metrics = Piece(
        title="Figures",
        columns=("", "A", "B", "change"),
        rows=tuple((one.name, shown(one.name, one.a), shown(one.name, one.b), _change(one)) for one in value.metrics),
        text=f"A is {value.a.path}, B is {value.b.path}.",
    )
    rules = Piece(
        title="Rules",
        columns=("rule", "outcome", "why"),
        rows=tuple((rule.rule, rule.outcome, rule.reason) for rule in value.rules),
    )
    checks = Piece(
        title="Checks that changed",
        columns=("check", "A", "B"),
        rows=tuple((one.name, one.a.outcome if one.a else "", one.b.outcome if one.b else "") for one in value.checks),
    )
    shown_pieces = [piece for piece in (rules, metrics, checks) if piece.rows]
    outcome = value.outcome if value.rules else ""
    return pieces("Comparison", f"{len(value.rules)} rules" if value.rules else "", shown_pieces, outcome)


def _change(one: MetricChange) -> str:
    return one.reason or change(one.name, one.a, one.b)
