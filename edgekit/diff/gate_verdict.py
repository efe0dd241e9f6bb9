"""Whether a rule of `edgekit compare --fail-if` applies to two results.

A rule that applies fails. So does one that cannot be decided: unknown is never a pass. For a prediction, a change is
judged by the values, since two predictions from one source have the same error, and a limit by the end of the interval
that is nearer to it, as in every verdict of edgekit. How rules are written is known to `edgekit.diff.gate`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from edgekit.diff.gate import OUTCOME, UNITS, Rule, refuse_unknown
from edgekit.documents.comparison import MetricChange, RuleResult, Side
from edgekit.documents.report import Metric
from edgekit.verdict.phrases import signed
from edgekit.verdict.wording import MOST_FACTOR, figure

CLOSE = 1e-9
"""Relative tolerance for equality: a difference of two floats, such as 0.5 points, has an error of about 1e-14."""


def judge(rules: Sequence[Rule], metrics: Sequence[MetricChange], b: Side) -> tuple[RuleResult, ...]:
    """The result of each rule for the changes and for B; raises `InputError` for a metric that neither side has."""
    by_name = {metric.name: metric for metric in metrics}
    for rule in rules:
        if rule.metric not in (OUTCOME, *by_name):
            refuse_unknown(rule.text, rule.metric, dict.fromkeys([*UNITS, *by_name]))
    return tuple(_judge(rule, by_name.get(rule.metric), b) for rule in rules)


def _judge(rule: Rule, metric: MetricChange | None, b: Side) -> RuleResult:
    if rule.kind == "outcome":
        return _judge_outcome(rule, b)
    if metric is None:
        return _result(rule, "unknown", f"neither A nor B has {rule.metric}")
    return _judge_change(rule, metric) if rule.kind == "change" else _judge_limit(rule, metric)


def _judge_outcome(rule: Rule, b: Side) -> RuleResult:
    if b.outcome is None:
        return _result(rule, "unknown", "B is a .tflite alone, which no report judged")
    applies = (b.outcome == rule.outcome) == (rule.sign != "!=")
    return _result(rule, "fail" if applies else "pass", f"the outcome of B is {b.outcome}")


def _judge_change(rule: Rule, metric: MetricChange) -> RuleResult:
    if metric.reason or metric.change is None:
        return _result(rule, "unknown", f"the change of {metric.name} is not known: {metric.reason}")
    found = {"points": metric.points, "%": metric.percent, "": metric.change}[rule.unit]
    if found is None:
        return _result(rule, "unknown", f"A's {metric.name} is 0, and no change is a share of it")
    values = (figure(metric.name, each.value, metric.unit) for each in (metric.a, metric.b))
    unit = rule.unit or metric.unit
    is_share = rule.unit == "%" or (rule.unit == "points" and metric.unit not in ("fraction", "points"))
    how = _changed(found, unit, is_share=is_share)
    said = f"{metric.name} {how} ({' to '.join(values)})" if found else f"{metric.name} is the same"
    return _decided(rule, found, unit, said, signed(rule.amount, unit))


def _judge_limit(rule: Rule, metric: MetricChange) -> RuleResult:
    """B's value compared with a limit; for a prediction, the end of the interval that is nearer to the limit."""
    found, reason = _evidence(metric.b, upwards=rule.sign.startswith(">"))
    if found is None:
        return _result(rule, "unknown", f"{metric.name} of B is not known: {reason}")
    said = f"{metric.name} of B is {figure(metric.name, metric.b.value, metric.unit)}"
    if found != metric.b.value:
        reach = "up to" if found > (metric.b.value or 0) else "down to"
        said += f", predicted {reach} {figure(metric.name, found, metric.unit)}"
    return _decided(rule, found, metric.unit, said, figure(metric.name, rule.amount, metric.unit))


def _evidence(metric: Metric, *, upwards: bool) -> tuple[float | None, str]:
    """The figure that is compared with a limit, or why there is none."""
    if metric.value is None:
        return None, metric.reason or "it has no value"
    if metric.basis in ("measured", "simulated"):
        return float(metric.value), ""
    if metric.basis != "predicted":
        return None, f"a figure that is {metric.basis or 'of no basis'} is no evidence for this file"
    end = metric.high if upwards else metric.low
    if end is None or not math.isfinite(end):
        return None, f"the prediction has no {'upper' if upwards else 'lower'} end"
    return (max if upwards else min)(float(metric.value), end), ""


def _decided(rule: Rule, found: float, unit: str, said: str, limit: str) -> RuleResult:
    equal = math.isclose(found, rule.amount, rel_tol=CLOSE)
    beyond = found > rule.amount if rule.sign.startswith(">") else found < rule.amount
    applies = rule.sign.endswith("=") if equal else beyond
    word = "above" if rule.sign.startswith(">") else "below"
    relation = f"at {limit}" if equal else f"{word if beyond else 'not ' + word} {limit}"
    return _result(
        rule, "fail" if applies else "pass", f"{said}, {relation}", found=found, limit=rule.amount, unit=unit
    )  # fmt: skip


def _result(
    rule: Rule,
    outcome: Literal["pass", "fail", "unknown"],
    reason: str,
    *,
    found: float | None = None,
    limit: float | None = None,
    unit: str = "",
) -> RuleResult:
    return RuleResult(
        rule=rule.text, metric=rule.metric, kind=rule.kind, outcome=outcome, limit=limit, found=found, unit=unit,
        reason=reason,
    )  # fmt: skip


def _changed(found: float, unit: str, *, is_share: bool) -> str:
    """A change in words; a large share of A's value is given as a factor instead of a percentage."""
    factor = found / 100 + 1
    if is_share and factor >= MOST_FACTOR:
        return f"became {factor:.3g} times what it was" if factor < 1000 else f"became {factor:,.0f} times what it was"
    return f"changed by {signed(found, unit)}"


def verdict(results: Sequence[RuleResult]) -> Literal["pass", "fail", "not asked"]:
    """'pass' if every rule passed; 'not asked' if there are no rules."""
    if not results:
        return "not asked"
    return "pass" if all(result.outcome == "pass" for result in results) else "fail"
