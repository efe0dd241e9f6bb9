"""Figures and checks of two sides compared, and what else makes the comparison doubtful.

If a side has no figure, the reason is kept. Two predictions from the same source are compared by their values, since
both have the same error. A prediction is never compared with anything else.
"""

from __future__ import annotations

import math

from edgekit.diff.sides import Opened
from edgekit.documents.comparison import CheckChange, MetricChange
from edgekit.documents.report import Check, Metric, Report
from edgekit.verdict.metric_spec import HIGHER_IS_BETTER
from edgekit.verdict.wording import ordered

TAKEN = ("measured", "simulated")
OF_A_RUNTIME = ("B", "ms")  # units of memory and latency, which depend on the runtime; a score does not
NOT_IN_BYTES = {"accuracy": "fraction", "ram": "B", "latency": "ms"}
BARE = "a .tflite alone does not tell it: `edgekit check FILE --device ID --json` writes a report that does"


def metric_changes(first: Opened, second: Opened) -> tuple[MetricChange, ...]:
    """Every metric that either side has; the metric that judges the model comes first."""
    names = ordered(first.metrics, second.metrics)
    if first.report is None and second.report is None:
        names = ordered(dict.fromkeys([*NOT_IN_BYTES, *names], Metric(value=None, unit="", basis=None, source="")))
    return tuple(_metric_change(name, first, second) for name in names)


def _metric_change(name: str, first: Opened, second: Opened) -> MetricChange:
    unit = _unit(name, first, second)
    a, b = _figure(name, unit, first), _figure(name, unit, second)
    reason = _not_comparable(a, b)
    if reason or a.value is None or b.value is None:
        return MetricChange(name=name, unit=unit, a=a, b=b, reason=reason)
    change = b.value - a.value
    percent = 100 * change / abs(a.value) if a.value else 0.0 if change == 0 else None
    points = {"fraction": 100 * change, "points": change}.get(unit, percent)
    return MetricChange(name=name, unit=unit, a=a, b=b, change=change, percent=percent, points=points)


def _unit(name: str, first: Opened, second: Opened) -> str:
    found = first.metrics.get(name) or second.metrics.get(name)
    return found.unit if found is not None else NOT_IN_BYTES.get(name, "")


def _figure(name: str, unit: str, side: Opened) -> Metric:
    """A side's figure; if it has none, one without a value but with the reason."""
    found = side.metrics.get(name)
    if found is not None and (found.value is not None or found.reason):
        return found
    if side.report is None:
        reason = BARE
    elif side.report.chosen is None:
        reason = "no candidate of the report gave a file"
    else:
        reason = "the report does not have it" if found is None else "the report has no value and no reason"
    return Metric(value=None, unit=unit, basis=None, source="", reason=reason)


def _not_comparable(a: Metric, b: Metric) -> str:
    """Why two figures cannot be compared; empty if they can."""
    if a.value is None and b.value is None and a.reason == b.reason:
        return f"A and B: {a.reason}"
    if missing := [f"{name}: {each.reason}" for name, each in (("A", a), ("B", b)) if each.value is None]:
        return "; ".join(missing)
    if a.unit != b.unit:
        return f"A is in {a.unit or 'no unit'}, B in {b.unit or 'no unit'}"
    if (a.basis in TAKEN) and (b.basis in TAKEN):
        return _apart(a, b)
    if a.basis != b.basis:
        return f"A is {a.basis or 'of no basis'}, B {b.basis or 'of no basis'}"
    if a.basis == "predicted" and a.source != b.source:
        return f"two predictions of different sources: {a.source or 'unnamed'}; {b.source or 'unnamed'}"
    if a.basis != "predicted":
        return f"a figure that is {a.basis or 'of no basis'} is no evidence of a change"
    return _apart(a, b)


def _apart(a: Metric, b: Metric) -> str:
    if a.split != b.split:
        return f"A was taken on the split {a.split or 'unnamed'}, B on {b.split or 'unnamed'}"
    if a.unit in OF_A_RUNTIME and None not in (a.runtime, b.runtime) and a.runtime != b.runtime:
        return f"A was taken with {a.runtime}, B with {b.runtime}"
    difference = math.inf if a.value is None or b.value is None else b.value - a.value
    return "" if math.isfinite(difference) else "the difference is not a number"


def check_changes(first: Opened, second: Opened) -> tuple[CheckChange, ...]:
    """The checks of two reports that differ; none if a side is only a `.tflite`, which has no checks."""
    if first.report is None or second.report is None:
        return ()
    before = {check.name: check for check in first.report.checks}
    after = {check.name: check for check in second.report.checks}
    changes = (CheckChange(name=name, a=before.get(name), b=after.get(name)) for name in {**before, **after})
    return tuple(change for change in changes if _verdict(change.a) != _verdict(change.b))


def _verdict(check: Check | None) -> tuple[object, ...]:
    return () if check is None else (check.outcome, check.limit)


def _found(report: Report) -> str:
    return ", ".join(dict.fromkeys(finding.name for finding in report.findings)) or "none"


def notes(first: Opened, second: Opened) -> tuple[str, ...]:
    """Other differences between the two that make their figures less comparable."""
    if first.report is None or second.report is None:
        return ()
    a, b = first.report, second.report
    base = [(report.baseline.sha256 or "")[:12] if report.baseline else "" for report in (a, b)]
    pairs = (
        ("the devices differ", a.device, b.device, True),
        ("the versions of edgekit differ", a.edgekit_version, b.edgekit_version, True),
        ("the data differ: samples", _samples(a.data.get("samples")), _samples(b.data.get("samples")), True),
        ("the data differ: SHA-256", a.data.get("sha256"), b.data.get("sha256"), True),
        ("the findings differ", _found(a), _found(b), True),
        ("the baselines differ, and a drop is counted from one's own: SHA-256", *base, "" not in base),
    )
    said = [f"{what}: A {old}, B {new}" for what, old, new, tell in pairs if tell and old != new]
    return (*said, *_other_metric(first, second))


def _samples(found: object) -> str | None:
    return None if not isinstance(found, dict) else ", ".join(f"{name} {count}" for name, count in found.items())


def _other_metric(first: Opened, second: Opened) -> tuple[str, ...]:
    """A note if the two are judged by different metrics."""
    a, b = (
        next((name for name in side.metrics if name in HIGHER_IS_BETTER or ":" in name), None)
        for side in (first, second)
    )
    return () if a is None or b is None or a == b else (f"the metrics differ: A {a}, B {b}",)
