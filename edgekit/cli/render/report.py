"""The report for people: the verdict, baseline and result side by side, the checks, what was tried, what was
declined and why; each figure with its basis. It shows a `Report` and decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.rule import Rule
from rich.text import Text

from edgekit.cli.render.compiled import compiled_table
from edgekit.cli.render.console import (
    WIDE,
    candidate_text,
    figures_table,
    make_console,
    name_and_text,
    outcome_text,
    section,
)
from edgekit.documents.candidate import Declined
from edgekit.documents.report import CandidateReport, Check, Chosen, Finding, Metric, Metrics, Report
from edgekit.emit import PAGE_FILE
from edgekit.emit.inference import describe
from edgekit.verdict.phrases import DECLINED, NOT_KNOWN, bases, grouped, shown, steps_text
from edgekit.verdict.wording import (
    ABSENT,
    DETAILS,
    KERAS,
    accuracy_name,
    beside,
    change,
    figure,
    interval,
    ordered,
    seconds,
    sentence,
)


def print_report(
    report: Report, *, folder: Path | None = None, brief: bool = False, console: Console | None = None
) -> None:
    """Print a report; `folder` is where its files are, `brief` prints a single line."""
    console = console or make_console()
    if brief:
        console.print(_one_line(report, folder), soft_wrap=True)
        return
    _print_head(console, report)
    if report.findings:
        section(console, "Findings: what makes these figures hard to believe", _findings(report.findings))
    before = report.baseline.metrics if report.baseline else {}
    after = report.chosen.metrics if report.chosen else {}
    if before or after:
        section(console, _title(report), _comparison(before, after))
    if report.checks:
        section(console, "Checks", _checks(report.checks))
    if report.candidates:
        is_wide = console.width >= WIDE
        wanted = [name for name in [accuracy_name(report), *_in_trials(report, is_wide=is_wide)] if name]
        section(console, f"Tried ({len(report.candidates)})", _candidates(report, wanted, is_wide=is_wide))
    if report.declined:
        section(console, DECLINED, declined_table(report.declined))
    if report.chosen:
        section(console, "The file, and what the device feeds it", _file(report, report.chosen))
    if report.chosen and report.chosen.compiled:
        section(console, "On the NPU, by its compiler's estimate", compiled_table(report.chosen.compiled))
    if report.notes:
        section(console, "Notes", name_and_text(("-", Text(note)) for note in report.notes))
    if sources := _sources(before | after):
        section(console, "Where the figures come from", sources)
    if folder is not None:
        console.print()
        console.print(Text.assemble(("Written to ", "bold"), str(folder)), soft_wrap=True)
        console.print(Text.assemble(("The page is ", "bold"), str(folder / PAGE_FILE)), soft_wrap=True)


def _print_head(console: Console, report: Report) -> None:
    title = Text.assemble("edgekit ", (report.device, "bold"), "  ", outcome_text(report.outcome))
    console.print(Rule(title, align="left", style="dim"))
    if report.summary:
        console.print(Text(report.summary))


def _findings(findings: tuple[Finding, ...]) -> RenderableType:
    """Each finding with what to do about it."""
    said = ((each.name, Text.assemble(sentence(each.what), "\n", (sentence(each.advice), "dim"))) for each in findings)
    return name_and_text(said)


def _one_line(report: Report, folder: Path | None) -> Text:
    name = report.chosen.candidate if report.chosen else "no candidate"
    where = f"  {folder}" if folder is not None else ""
    why = f"  {report.summary}" if report.outcome == "fail" and report.summary else ""
    names = ", ".join(dict.fromkeys(finding.name for finding in report.findings))
    doubts = f"  findings: {names}" if names and names not in why else ""
    return Text.assemble(
        outcome_text(report.outcome), f"  {report.device}  {name}{where}{why}", (doubts, "bold yellow")
    )


def _title(report: Report) -> str:
    if report.baseline is None:
        return "Figures"
    return f"Baseline and result ({report.chosen.candidate})" if report.chosen else "Baseline"


def _comparison(before: Metrics, after: Metrics) -> RenderableType:
    both = bool(before and after)
    titles = [("", "left")] + [("baseline", "right")] * bool(before) + [("result", "right")] * bool(after)
    table = figures_table(*titles, *([("change", "left")] if both else []), ("basis", "left"))
    for name in ordered(before, after):
        if name.startswith(KERAS) or name in DETAILS:
            continue
        old, new = before.get(name), after.get(name)
        cells: list[RenderableType] = [Text(name, style="bold")]
        cells += [_cell(name, old, dim=both)] if before else []
        cells += [_cell(name, new, dim=False)] if after else []
        cells += [Text(change(name, old, new))] if both else []
        table.add_row(*cells, Text(bases((old, new)), style="dim"))
    told = {
        name: Text(f"{NOT_KNOWN}: {each[name].reason}")
        for each in (before, after)
        for name in each
        if each[name].value is None and each[name].reason
    }
    keras = [("Keras itself", _keras(name, before[name])) for name in before if name.startswith(KERAS)]
    return _with_reasons(table, keras + list(told.items()))


def _keras(name: str, metric: Metric) -> Text:
    """The Keras model's own score in a line of its own: it belongs to no `.tflite`, so it has no column in the table."""
    text = Text(f"{name.removeprefix(KERAS)} {figure(name, metric.value, metric.unit)}")
    if bounds := interval(name, metric.low, metric.high, metric.unit):
        text.append(f" ({bounds})", style="dim")
    return text.append(f", {metric.basis or NOT_KNOWN}, before any conversion")


def _cell(name: str, metric: Metric | None, *, dim: bool) -> Text:
    if metric is None:
        return Text(ABSENT, style="dim")
    text = Text(figure(name, metric.value, metric.unit), style="" if dim else "bold")
    if bounds := interval(name, metric.low, metric.high, metric.unit):
        text.append(f"\n{bounds}", style="dim not bold")
    return text


def _checks(checks: tuple[Check, ...]) -> RenderableType:
    asked = [check for check in checks if check.outcome != "not asked"]
    table = figures_table(("", "left"), ("limit", "right"), ("found", "right"), ("", "left"), ("basis", "left"))
    for check in asked:
        said, limit = beside(check.name, check.value, check.limit, check.unit)
        found = Text(said)
        if bounds := interval(check.name, check.low, check.high, check.unit):
            found.append(f"\n{bounds}", style="dim")
        table.add_row(Text(check.name, style="bold"), limit, found, outcome_text(check.outcome), check.basis or "")
    told = [(check.name, Text(check.reason)) for check in asked if check.reason and check.outcome != "pass"]
    return _with_reasons(table, told + _not_asked(checks))


def _not_asked(checks: tuple[Check, ...]) -> list[tuple[str, Text]]:
    """The checks that decide nothing, in one line a reason."""
    found = reasons_with_names((check.name, check.reason) for check in checks if check.outcome == "not asked")
    return [("not asked", Text(f"{names}: {reason}" if reason.plain else names)) for names, reason in found]


def _in_trials(report: Report, *, is_wide: bool) -> tuple[str, ...]:
    """The metrics that a candidate's line has room for."""
    if is_wide:
        return ("flash", "download", "ram", "latency")
    limited = {check.name for check in report.checks if check.limit is not None}
    wanted = report.data.get("currency")
    if wanted in ("download", "latency"):
        return ("flash", str(wanted))
    return ("flash", "download") if "download" in limited else ("flash", "ram")


def _candidates(report: Report, wanted: list[str], *, is_wide: bool) -> RenderableType:
    candidates = report.candidates
    names = [name for name in wanted if any(name in candidate.metrics for candidate in candidates)]
    table = figures_table(("", "left"), ("", "left"), *((name, "right") for name in names), ("time", "right"))
    for candidate in candidates:
        figures = [shown(name, candidate.metrics.get(name)) for name in names]
        outcome = outcome_text(candidate.outcome).append(" chosen" if report.is_chosen(candidate) else "", style="bold")
        name_text = candidate_text(candidate.candidate, is_wide=is_wide)
        table.add_row(name_text, outcome, *figures, seconds(candidate.seconds))
    told = reasons_with_names((each.candidate, each.reason) for each in candidates if each.reason not in ("", "chosen"))
    return _with_reasons(Group(table, _basis_line(candidates, names)), told)


def _basis_line(candidates: tuple[CandidateReport, ...], names: list[str]) -> Text:
    """The basis of each column of the candidates."""
    by_basis: dict[str, list[str]] = {}
    for name in names:
        found = [each.metrics[name] for each in candidates if name in each.metrics]
        basis = bases(found, " or ")
        split = next((f" on {metric.split}" for metric in found if metric.split), "")
        by_basis.setdefault(basis, []).append(f"{name}{split}")
    return Text("; ".join(f"{basis}: {', '.join(said)}" for basis, said in by_basis.items()), style="dim")


def _with_reasons(table: RenderableType, told: list[tuple[str, Text]]) -> RenderableType:
    rows: list[tuple[str, RenderableType]] = list(told)
    return Group(table, Text(), name_and_text(rows)) if rows else table


def declined_table(declined: tuple[Declined, ...]) -> RenderableType:
    """Techniques that are not tried, and why."""
    return name_and_text(reasons_with_names((each.technique, each.reason) for each in declined))


def reasons_with_names(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, Text]]:
    """The rows of a table: each reason once, beside all names that share it."""
    return [(", ".join(names), Text(reason)) for names, reason in grouped(pairs)]


def _file(report: Report, chosen: Chosen) -> RenderableType:
    rows: list[tuple[str, RenderableType]] = []
    if chosen.steps:
        rows.append(("made by", Text(steps_text(chosen.steps))))
    trained = (each.training for each in report.candidates if each.candidate == chosen.candidate)
    rows += [("trained", Text(stage)) for stage in next(trained, ())]
    for kind, ports in (("input", chosen.inputs), ("output", chosen.outputs)):
        rows += [(f"{kind} {index}", Text(describe(facts))) for index, facts in enumerate(ports)]
    rows.append(("SHA-256", Text(chosen.sha256)))
    return name_and_text(rows)


def _sources(metrics: Metrics) -> RenderableType | None:
    """Each source once, with the figures that come from it."""
    shown = [name for name in ordered(metrics) if name not in DETAILS]
    found = reasons_with_names((name, metrics[name].source) for name in shown if metrics[name].source)
    return name_and_text(found) if found else None
