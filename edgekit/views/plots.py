"""The picture of a value: for a report its candidates, for a plan their predictions, for a file its memory."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch
from typing import Any

from edgekit.documents.build_result import BuildResult
from edgekit.documents.candidate import Candidate, Plan
from edgekit.documents.comparison import Comparison
from edgekit.documents.inspection import InspectedLayer, InspectedOperator, Inspection
from edgekit.documents.report import Metric, Report
from edgekit.emit.html.accuracy_size import pictures
from edgekit.emit.html.drawing import Axes, Peak, memory_picture, scatter_picture
from edgekit.emit.html.layers import skyline
from edgekit.emit.html.scatter import Kind, Point, is_finite, scatter
from edgekit.emit.html.tried import tried
from edgekit.errors import InputError
from edgekit.units import format_size
from edgekit.verdict.checks import UNITS
from edgekit.verdict.metric_spec import HIGHER_IS_BETTER
from edgekit.verdict.pareto import pareto
from edgekit.verdict.wording import JUDGED, ORDER, figure, is_share

WIDTH, HEIGHT = 720.0, 360.0
MARKS = {
    "chosen": "*", "chosen-fail": "X", "baseline": "s", "baseline-fail": "s", "pass": "o", "fail": "x", "control": "^",
}  # fmt: skip

COSTS = ("latency", "ram", "download")
"""The metric plotted against size if no score is known: the first of these that a candidate has."""
SIDES: tuple[tuple[str, Kind], ...] = (("A", "baseline"), ("B", "chosen"))


@singledispatch
def plot(value: Any, axes: Any = None) -> Any:
    """The picture of a value; on matplotlib's `axes` if given, which are then returned."""
    raise TypeError(f"no picture of {type(value).__name__}")


@plot.register
def _(value: BuildResult, axes: Any = None) -> Any:
    return plot(value.report, axes)


@plot.register
def _(value: Report, axes: Any = None) -> Any:
    found = tried(value)
    of = Axes(
        accuracy=found.accuracy,
        currency=found.currency,
        higher_is_better=found.higher_is_better,
        points=found.points,
    )
    if axes is not None:
        return _on_axes(of, axes)
    drawn = pictures(value, found, (WIDTH,))
    if not drawn:
        raise _nothing("no candidate has both a score and a size")
    return scatter_picture(drawn[0], of)


@plot.register
def _(value: Plan, axes: Any = None) -> Any:
    upright = next((name for name in COSTS if any(_has(each, "flash", name) for each in value.candidates)), "")
    known = [each for each in value.candidates if _has(each, "flash", upright)]
    if not known:
        raise _nothing("nothing is predicted of its candidates")
    places = [(each.estimates["flash"].value, each.estimates[upright].value) for each in known]
    front = pareto([x for x, _ in places], [y for _, y in places], higher_is_better=False)
    points = tuple(
        Point(
            number=number, name=each.name, kind="baseline" if each.role == "baseline" else "pass", size=x, accuracy=y,
            front=is_front, told=f"flash {figure('flash', x, 'B')}, {upright} {figure(upright, y, _unit(upright))}",
        )
        for number, (each, (x, y), is_front) in enumerate(zip(known, places, front, strict=True), start=1)
    )  # fmt: skip
    return _drawn(Axes(accuracy=upright, currency="flash", higher_is_better=False, points=points), axes)


@plot.register
def _(value: Comparison, axes: Any = None) -> Any:
    metrics = {one.name: (one.a, one.b) for one in value.metrics if _finite(one.a) and _finite(one.b)}
    judging = [name for name in metrics if name not in JUDGED + ORDER]
    upright = next((name for name in (*judging, *COSTS) if name in metrics), None)
    if "flash" not in metrics or upright is None:
        raise _nothing("the two have no size and no other figure in common")
    points = tuple(
        Point(number=place + 1, name=name, kind=kind, front=False, size=size, accuracy=accuracy)
        for place, (name, kind) in enumerate(SIDES)
        for size, accuracy in [(float(metrics["flash"][place].value or 0), float(metrics[upright][place].value or 0))]
    )
    higher = upright in judging and HIGHER_IS_BETTER.get(upright, True)
    return _drawn(Axes(accuracy=upright, currency="flash", higher_is_better=higher, points=points), axes)


@plot.register
def _(value: Inspection, axes: Any = None) -> Any:
    found: Sequence[InspectedLayer | InspectedOperator] = value.operators or value.layers
    rows = sorted(found, key=lambda row: row.index)
    held = [row.memory_bytes or 0 for row in rows]
    place = next((at for at, row in enumerate(rows) if row.index == value.peak_index), None)
    chart = skyline(held, place, width=WIDTH, height=200.0)
    if chart is None or place is None:
        raise _nothing("fewer than two of its rows hold memory")
    if axes is not None:
        axes.fill_between(range(1, len(held) + 1), held, step="mid", alpha=0.4)
        axes.set_xlabel("operator" if value.operators else "layer")
        axes.set_ylabel("memory held, B")
        return axes
    row = rows[place]
    label, kind = (row.label, row.name) if isinstance(row, InspectedOperator) else (row.name, row.kind)
    return memory_picture(chart, Peak(number=place + 1, operator=kind, label=label, text=format_size(held[place])))


def _drawn(of: Axes, axes: Any) -> Any:
    if axes is not None:
        return _on_axes(of, axes)
    unit = "%" if is_share(of.accuracy) else _unit(of.accuracy)
    chart = scatter(
        of.points, width=WIDTH, height=HEIGHT, size_unit=_unit(of.currency), accuracy_unit=unit,
    )  # fmt: skip
    return scatter_picture(chart, of)


def _on_axes(of: Axes, axes: Any) -> Any:
    """The same points and front on axes of matplotlib, which is not imported here."""
    if not of.points:
        raise _nothing("no candidate has both figures")
    for point in of.points:
        axes.scatter([point.size], [point.accuracy], marker=MARKS[point.kind])
        axes.annotate(point.name, (point.size, point.accuracy), textcoords="offset points", xytext=(5, 5))
    front = sorted((point.size, point.accuracy) for point in of.points if point.front)
    if front:
        axes.step([x for x, _ in front], [y for _, y in front], where="post")
    axes.set_xlabel(_titled(of.currency))
    axes.set_ylabel(_titled(of.accuracy))
    return axes


def _titled(name: str) -> str:
    unit = _unit(name)
    return f"{name}, {unit}" if unit else name


def _unit(name: str) -> str:
    return UNITS.get(name, "")


def _has(candidate: Candidate, *names: str) -> bool:
    return all(name in candidate.estimates for name in names)


def _finite(metric: Metric) -> bool:
    return metric.value is not None and is_finite(metric.value)


def _nothing(why: str) -> InputError:
    return InputError("there is nothing to draw", received=why, next_step="to_frame() has all figures")
