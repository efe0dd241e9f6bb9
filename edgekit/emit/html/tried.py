"""The candidates' part of the page: their table, the outcome of each, and which of them can be drawn as points."""

from __future__ import annotations

from collections.abc import Sequence

from edgekit.documents.report import CandidateReport, Report
from edgekit.emit.html.figures import Figure, brief, shown
from edgekit.emit.html.judged import Reason, words_of
from edgekit.emit.html.scatter import Kind, Point, is_finite
from edgekit.values import Value
from edgekit.verdict.metric_spec import HIGHER_IS_BETTER
from edgekit.verdict.pareto import pareto
from edgekit.verdict.phrases import grouped, steps_text
from edgekit.verdict.wording import accuracy_name, seconds

COSTS = ("flash", "download", "ram", "latency")


class Column(Value):
    """A column of the table; `basis` is empty if its figures have different ones."""

    name: str
    words: str
    basis: str
    split: str


class CandidateRow(Value):
    """One candidate; `kind` is the style of its mark, empty if it has none."""

    number: int
    name: str
    kind: str
    outcome: str
    chosen: bool
    front: bool
    figures: tuple[Figure, ...]
    time: str
    steps: str
    reason: str
    evidence: tuple[str, ...]
    training: tuple[str, ...]
    control: str


class Tried(Value):
    """All candidates; `accuracy` and `currency` are the metrics on the picture's axes, empty if there is no picture.

    `baseline` is the point of the unmodified model, None where it cannot be drawn. `front_of` says which candidates the
    front is made of. `not_drawn` says why a candidate or the whole picture is missing.
    """

    columns: tuple[Column, ...]
    rows: tuple[CandidateRow, ...]
    points: tuple[Point, ...]
    baseline: Point | None
    accuracy: str
    currency: str
    higher_is_better: bool
    front_of: str
    not_drawn: str
    unknown: tuple[Reason, ...]


def tried(report: Report) -> Tried:
    """The candidates of a report in the order in which they were tried."""
    accuracy, currency = accuracy_name(report) or "", _currency(report)
    higher = _higher_is_better(report, accuracy)
    points, front_of = _points(report, accuracy, currency, higher)
    columns = _columns(report.candidates, accuracy)
    drawn = {point.number: point for point in points}
    rows = tuple(
        _row(report, number, candidate, columns, drawn.get(number))
        for number, candidate in enumerate(report.candidates, start=1)
    )
    return Tried(
        columns=columns,
        rows=rows,
        points=points,
        baseline=next((point for point in points if _is_baseline(report, point.number)), None),
        accuracy=accuracy,
        currency=currency,
        higher_is_better=higher,
        front_of=front_of,
        not_drawn=_not_drawn(report, points, accuracy, currency),
        unknown=_unknown(report, columns),
    )


def _currency(report: Report) -> str:
    """The metric that the goal minimises; the size of the file if the report names none, or no candidate has it."""
    named = report.data.get("currency")
    known = [name for name in (named, "flash") if isinstance(name, str) and name in COSTS]
    return next((name for name in known if any(_value(each, name) is not None for each in report.candidates)), "flash")


def _higher_is_better(report: Report, accuracy: str) -> bool:
    direction = report.data.get("direction")
    return direction == "higher" if direction in ("higher", "lower") else HIGHER_IS_BETTER.get(accuracy, True)


def _value(candidate: CandidateReport, name: str) -> float | None:
    metric = candidate.metrics.get(name)
    return float(metric.value) if metric is not None and metric.value is not None and is_finite(metric.value) else None


def _columns(candidates: Sequence[CandidateReport], accuracy: str) -> tuple[Column, ...]:
    names = [name for name in (accuracy, "accuracy_drop", *COSTS) if any(name in each.metrics for each in candidates)]
    return tuple(_column(name, candidates) for name in names)


def _column(name: str, candidates: Sequence[CandidateReport]) -> Column:
    metrics = [each.metrics[name] for each in candidates if name in each.metrics]
    bases = {metric.basis for metric in metrics if metric.value is not None}
    splits = {metric.split for metric in metrics}
    return Column(
        name=name,
        words=words_of(name),
        basis=bases.pop() or "unknown" if len(bases) == 1 else "",
        split=splits.pop() or "" if len(splits) == 1 else "",
    )


def _row(
    report: Report, number: int, candidate: CandidateReport, columns: Sequence[Column], point: Point | None
) -> CandidateRow:
    return CandidateRow(
        number=number,
        name=candidate.candidate,
        kind=point.kind if point else "",
        outcome=candidate.outcome,
        chosen=report.is_chosen(candidate),
        front=point is not None and point.front,
        figures=tuple(brief(column.name, candidate.metrics.get(column.name), column.basis) for column in columns),
        time=seconds(candidate.seconds),
        steps=steps_text(candidate.steps),
        reason="" if candidate.reason == "chosen" else candidate.reason,
        evidence=candidate.evidence,
        training=candidate.training,
        control=candidate.control or "",
    )


def _points(report: Report, accuracy: str, currency: str, higher_is_better: bool) -> tuple[tuple[Point, ...], str]:
    """The candidates that have both figures, with those on the front marked, and which candidates the front is made of."""
    found = [
        (number, candidate, size, score)
        for number, candidate in enumerate(report.candidates, start=1)
        if (size := _value(candidate, currency)) is not None and (score := _value(candidate, accuracy)) is not None
    ]
    passing = [each for each in found if each[1].outcome == "pass"]
    field = passing or [each for each in found if each[1].outcome != "control"]
    wins = pareto([each[2] for each in field], [each[3] for each in field], higher_is_better=higher_is_better)
    front = {each[0] for each, wins_here in zip(field, wins, strict=True) if wins_here}
    points = tuple(
        Point(
            number=number,
            name=each.candidate,
            kind=_kind(report, number, each),
            size=size,
            accuracy=score,
            front=number in front,
            told=_figures_text(each, currency, accuracy),
        )
        for number, each, size, score in found
    )
    whose = "the candidates that pass every check" if passing else "all candidates that gave a file, as none passes"
    return points, whose


def _figures_text(candidate: CandidateReport, *names: str) -> str:
    return ", ".join(f"{name} {shown(name, candidate.metrics.get(name)).text}" for name in names)


def _is_baseline(report: Report, number: int) -> bool:
    """Whether a candidate is the report's baseline: it was tried first, and its file has the baseline's size.

    The baseline is tried before all others, because they are compared with it.
    """
    if report.baseline is None or number != 1:
        return False
    size = report.baseline.metrics.get("flash")
    return size is not None and size.value is not None and size.value == _value(report.candidates[0], "flash")


def _kind(report: Report, number: int, candidate: CandidateReport) -> Kind:
    if report.is_chosen(candidate):
        return "chosen" if report.outcome == "pass" else "chosen-fail"
    if candidate.outcome == "control":
        return "control"
    if _is_baseline(report, number):
        return "baseline" if candidate.outcome == "pass" else "baseline-fail"
    return "pass" if candidate.outcome == "pass" else "fail"


def _unknown(report: Report, columns: Sequence[Column]) -> tuple[Reason, ...]:
    """Why figures of the table are not known, each reason once."""
    found = grouped(
        (f"{column.name} of {each.candidate}", metric.reason or "no reason was given")
        for column in columns
        for each in report.candidates
        if (metric := each.metrics.get(column.name)) is not None and metric.value is None
    )
    return tuple(Reason(names=names, text=reason) for names, reason in found)


def _not_drawn(report: Report, points: Sequence[Point], accuracy: str, currency: str) -> str:
    """Which candidates the picture cannot show, and why."""
    if not report.candidates:
        return ""
    drawn = {point.number for point in points}
    rest = [each.candidate for number, each in enumerate(report.candidates, start=1) if number not in drawn]
    if not rest:
        return ""
    lacks = f"no {currency}" if accuracy and points else f"no {accuracy or 'score'} beside {currency}"
    several = "have" if len(rest) > 1 else "has"
    return (
        f"Not drawn: {', '.join(rest)}, which {several} {lacks if not points else f'no {accuracy} or no {currency}'}."
    )
