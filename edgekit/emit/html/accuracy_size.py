"""Accuracy against size of a report's candidates, with the limits: one picture for a page and one for a phone."""

from __future__ import annotations

from edgekit.documents.report import Check, Report
from edgekit.emit.html.scatter import Scatter, is_finite, scatter
from edgekit.emit.html.tried import COSTS, Tried
from edgekit.verdict.metric_spec import least_score
from edgekit.verdict.wording import figure, is_share

ASPECT = ((500.0, 0.5), (0.0, 0.95))
"""Pairs: from this width on, the ratio of height to width."""


def pictures(report: Report, tried: Tried, widths: tuple[float, ...]) -> list[Scatter]:
    """A picture for each width; none if no candidate has both figures."""
    if not tried.points:
        return []
    return [
        scatter(
            tried.points,
            width=width,
            height=round(width * next(share for least, share in ASPECT if width >= least)),
            size_unit="ms" if tried.currency == "latency" else "B",
            accuracy_unit="%" if is_share(tried.accuracy) else "",
            size_limit=_with_words(tried.currency, _limit(report, tried.currency)),
            accuracy_limit=_with_words(tried.accuracy, _least_accuracy(report, tried)),
        )
        for width in widths
    ]


def _with_words(name: str, limit: float | None) -> tuple[float, str] | None:
    """A limit with its text."""
    unit = {"latency": "ms"}.get(name, "B" if name in COSTS else "")
    return None if limit is None else (limit, f"limit {figure(name, limit, unit)}")


def _check(report: Report, name: str) -> Check | None:
    return next((check for check in report.checks if check.name == name), None)


def _limit(report: Report, name: str) -> float | None:
    check = _check(report, name)
    limit = None if check is None else check.limit
    return limit if isinstance(limit, int | float) and is_finite(limit) else None


def _least_accuracy(report: Report, tried: Tried) -> float | None:
    """The lowest score that the allowed drop leaves, from the baseline's score on the validation split."""
    lost, base = _limit(report, "accuracy_drop"), tried.baseline
    if lost is None or base is None:
        return None
    return least_score(tried.accuracy, base.accuracy, lost, higher_is_better=tried.higher_is_better)
