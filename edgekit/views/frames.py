"""A value as a table of pandas: a row for each candidate, layer, operator or metric, in base units."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import singledispatch
from typing import Any

from edgekit.documents.build_result import BuildResult
from edgekit.documents.candidate import Estimate, Plan
from edgekit.documents.comparison import Comparison
from edgekit.documents.inspection import Inspection
from edgekit.documents.report import CandidateReport, Chosen, Metric, Report
from edgekit.errors import MissingExtraError
from edgekit.machine.extras import is_installed
from edgekit.values import to_builtins


def frame(value: Any) -> Any:
    """The `pandas.DataFrame` of a value; raises `MissingExtraError` if pandas is not installed."""
    if not is_installed("pandas"):
        raise MissingExtraError(
            "a frame needs pandas, which is not installed",
            next_step=f"{sys.executable or 'python'} -m pip install pandas",
        )
    import pandas

    return pandas.DataFrame(rows(value))


@singledispatch
def rows(value: Any) -> list[dict[str, Any]]:
    """The rows of a value's table."""
    raise TypeError(f"no table of {type(value).__name__}")


@rows.register
def _(value: BuildResult) -> list[dict[str, Any]]:
    return rows(value.report)


@rows.register
def _(value: Report) -> list[dict[str, Any]]:
    tried: list[CandidateReport | Chosen] = [*value.candidates]
    tried += [value.chosen] if value.chosen and not value.candidates else []
    return [
        {
            "device": value.device,
            "candidate": each.candidate,
            "outcome": each.outcome if isinstance(each, CandidateReport) else value.outcome,
            "chosen": not isinstance(each, CandidateReport) or value.is_chosen(each),
            **{name: metric.value for name, metric in each.metrics.items()},
            **({"seconds": each.seconds, "reason": each.reason} if isinstance(each, CandidateReport) else {}),
        }
        for each in tried
    ]


@rows.register
def _(value: Plan) -> list[dict[str, Any]]:
    return [
        {"device": value.device, "candidate": each.name, "role": each.role, **_estimates(each.estimates)}
        for each in value.candidates
    ]


@rows.register
def _(value: Inspection) -> list[dict[str, Any]]:
    found = []
    for row in value.operators or value.layers:
        fields = to_builtins(row)
        fields.pop("latency")
        found.append({**fields, **_estimates({"latency": row.latency} if row.latency else {})})
    return found


@rows.register
def _(value: Comparison) -> list[dict[str, Any]]:
    return [
        {
            "metric": each.name,
            "unit": each.unit,
            "a": _value(each.a),
            "b": _value(each.b),
            "change": each.change,
            "percent": each.percent,
            "points": each.points,
            "reason": each.reason,
        }
        for each in value.metrics
    ]


def _value(metric: Metric) -> float | int | None:
    return metric.value


def _estimates(found: Mapping[str, Estimate]) -> dict[str, float]:
    """The predictions with their intervals, one column each."""
    columns: dict[str, float] = {}
    for name, estimate in found.items():
        columns |= {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
    return columns
