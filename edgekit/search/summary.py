"""The summary of a build: one sentence on the chosen file, what it lacks, and what the search had no time for."""

from __future__ import annotations

from edgekit.documents.report import Check, Metrics
from edgekit.measure.emulator_check import NAME as EMULATOR
from edgekit.planner.trial import Trial
from edgekit.search.loop import Search
from edgekit.units import format_ms, format_size
from edgekit.verdict.checks import misses, warnings

MOST_DIGITS = 6


def summary(
    picked: Trial, metrics: Metrics, checks: tuple[Check, ...], *, nothing_fits: bool, too_little: str | None
) -> str:
    name, figures = picked.candidate.name, []
    for metric, show in (("flash", format_size), ("ram", format_size), ("latency", format_ms)):
        value = _value(metrics, metric)
        if value is not None:
            figures.append(f"{show(value)} {metric}")
    lost = _value(metrics, "accuracy_drop")
    if lost is not None:
        figures.append(_lost(lost, checks))
    missed = misses(checks)
    text = f"{name}: {', '.join(figures)}"
    if nothing_fits:
        first = next(iter(misses(picked.checks)), None)
        why = too_little or f"it misses {first.name if first else 'a check'}: {first.reason if first else ''}"
        return (
            f"nothing fits: {why}; the closest is {text}"
            if too_little
            else f"nothing fits; the closest is {text}; {why}"
        )
    if missed:
        where = "on the emulated board" if missed[0].name == EMULATOR else "on test"
        return f"{text}; it fitted on validation and fails {where}: {missed[0].name}: {missed[0].reason}"
    warned = ", ".join(check.name for check in warnings(checks))
    return f"{text}; a warning: {warned}" if warned else text


def _lost(points: float, checks: tuple[Check, ...]) -> str:
    """The loss in points, with enough digits to show on which side of the limit it is."""
    limit = next((check.limit for check in checks if check.name == "accuracy_drop"), None)
    digits = 2
    while isinstance(limit, int | float) and points > limit and digits < MOST_DIGITS and round(points, digits) <= limit:
        digits += 1
    return f"{abs(points):.{digits}f} points {'gained' if round(points, 2) < 0 else 'lost'}"


def _value(metrics: Metrics, name: str) -> float | None:
    metric = metrics.get(name)
    return None if metric is None or metric.value is None else float(metric.value)


def cut_short(found: Search) -> str:
    """What the summary adds where the search was cut for lack of time."""
    shortened = sum(bool(one.cut) for one in found.finished)
    counted = {
        "not tried": len(found.not_tried),
        "ended without a file": len(found.unfinished),
        "trained for less time": shortened,
    }
    parts = [f"{count} {what}" for what, count in counted.items() if count]
    return f"; the time budget cut the search: {', '.join(parts)}" if parts else ""
