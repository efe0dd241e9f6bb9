"""Phrases that several views share: the steps of a candidate, names with the same reason, a prediction with its interval.

`wording` puts a single figure into words; this file the text around it. Neither knows where the text is shown.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from edgekit.documents.candidate import Estimate, Step
from edgekit.documents.report import Metric
from edgekit.verdict.wording import ABSENT, figure, plain, rough, span

DECLINED = "Declined, and why"
NOT_KNOWN = "not known"


def steps_text(steps: Iterable[Step]) -> str:
    """The steps that made a file, in their order.

    >>> steps_text([Step(technique="halving", settings={"share": 0.5, "without": []}), Step(technique="packing")])
    'halving (share 0.5, without none), then packing'
    """
    return ", then ".join(map(_step, steps))


def _step(step: Step) -> str:
    settings = ", ".join(f"{name} {_setting(value)}" for name, value in step.settings.items())
    return f"{step.technique} ({settings})" if settings else step.technique


def _setting(value: Any) -> str:
    return " ".join(map(str, value)) or "none" if isinstance(value, list | tuple) else str(value)


def grouped(reasons: Iterable[tuple[str, str]]) -> list[tuple[tuple[str, ...], str]]:
    """Pairs of a name and a reason, grouped by reason: each reason once, with all names that share it.

    >>> grouped([("a", "no data"), ("b", "too large"), ("c", "no data")])
    [(('a', 'c'), 'no data'), (('b',), 'too large')]
    """
    by_reason: dict[str, list[str]] = {}
    for name, reason in reasons:
        by_reason.setdefault(reason, []).append(name)
    return [(tuple(names), reason) for reason, names in by_reason.items()]


def would_be_tried(number: int) -> str:
    """The title of a plan's candidates."""
    return f"Would be tried, in this order ({number})"


def rows_title(kind: str) -> str:
    """The title of the rows of a model: of its operators, or of its layers."""
    return "Operators" if kind == "operator" else "Layers, predicted as float32"


def shown(name: str, metric: Metric | None) -> str:
    """A metric in a table's cell; a dash where there is none.

    >>> shown("flash", Metric(value=4096, unit="B", basis="measured", source="")), shown("ram", None)
    ('4.0 KiB', '–')
    """
    return figure(name, metric.value, metric.unit) if metric else ABSENT


def bases(metrics: Iterable[Metric | None], between: str = " / ") -> str:
    """The bases of some figures, each named once.

    >>> bases([Metric(value=1, unit="B", basis="measured", source=""), Metric(value=None, unit="B", basis=None, source="")])
    'measured / not known'
    """
    return between.join(dict.fromkeys(metric.basis or NOT_KNOWN for metric in metrics if metric is not None))


def predicted(estimate: Estimate, unit: str) -> tuple[str, str]:
    """A prediction and its interval; the interval is empty where both ends are the same.

    >>> predicted(Estimate(value=41_779, low=40_000, high=44_000, source=""), "B")
    ('40.8 KiB', '39.1 to 43 KiB')
    """
    interval = span(rough(estimate.low, unit), rough(estimate.high, unit)) if estimate.low != estimate.high else ""
    return rough(estimate.value, unit), interval


def signed(value: float, unit: str) -> str:
    """A change with its sign.

    >>> signed(2, "%"), signed(-0.5556, "points"), signed(1024, "B")
    ('+2%', '-0.5556 points', '+1.0 KiB')
    """
    sign, size = "-" if value < 0 else "+", abs(value)
    if unit == "%":
        return f"{sign}{plain(size)}%"
    if unit == "points":
        return f"{sign}{plain(size)} points"
    return f"{sign}{figure('', size, unit)}"
