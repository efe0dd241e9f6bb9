"""The verdict: limits compared with metrics, facts of a file compared with a device, and the outcome of all checks.

The rule is promise 3 of the design. A check is required if a limit is declared for it and its input was given;
a required check that is unknown fails; a predicted value passes only if its high end is within the limit; a default
that nobody asked for only warns; a check that was not asked for decides nothing. Everything here is pure: it runs
nothing and reads no file.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from edgekit.documents.report import Check, InputFacts, Metric
from edgekit.values import Basis
from edgekit.verdict.wording import figure

LIMITED = ("flash", "download", "ram", "latency", "accuracy_drop")
"""The checks that compare the metric of the same name with a limit; in bytes, milliseconds and points."""

COSTS = ("ram", "latency")
UNITS = {"flash": "B", "download": "B", "ram": "B", "latency": "ms", "accuracy_drop": "points"}
INDEX_DTYPES = ("int32", "int64", "bool")
NO_LIMIT = "no limit is declared"
HARMLESS = ("pass", "warn", "not asked")
"""The outcomes of a check that let a file pass."""

MOST_FACTOR = 3.0
"""From three times a limit on, the excess is given as a factor, below as a percentage."""
LEAST_PERCENT = 0.01
"""A smaller excess over a limit is reported without a figure."""
ROUNDING = 1e-9
"""Tolerance for rounding: (0.98 - 0.975) * 100, a drop of half a point, is not exactly 0.5 in floating point."""


def judge(
    limits: Mapping[str, float | None],
    metrics: Mapping[str, Metric],
    *,
    defaults: Mapping[str, float] | None = None,
    facts: Sequence[Check] = (),
    not_given: Mapping[str, str] | None = None,
) -> tuple[Check, ...]:
    """All checks of a file: those of `LIMITED` in their order, then the `facts` unchanged.

    `limits` are the largest values allowed by metric name, None (or absent) if none is declared. `defaults` are
    limits that nobody asked for: exceeding one gives a warning. `not_given` names the checks whose input the user did
    not give, with the reason: they are 'not asked', whatever the limit.
    """
    absent, expected = not_given or {}, defaults or {}
    checks = [check_limit(name, limits.get(name), metrics.get(name), not_given=absent.get(name)) for name in LIMITED]
    warned = [_limit_or_default(check, expected.get(check.name), metrics.get(check.name)) for check in checks]
    return (*warned, *facts)


def _limit_or_default(check: Check, default: float | None, metric: Metric | None) -> Check:
    """The check of the limit; or that of the default, if there is no limit, or if the limit holds and the default does not."""
    undecided = check.outcome == "not asked" and check.reason == NO_LIMIT
    if default is None or not (undecided or check.outcome == "pass"):
        return check
    found = check_default(check.name, default, metric)
    return found if undecided or found.outcome == "warn" else check


def check_default(name: str, default: float, metric: Metric | None) -> Check:
    """A default of the device's profile compared with a metric: within it the check passes, as for a limit, else it warns."""
    found = check_limit(name, default, metric)
    if found.outcome == "pass":
        return found
    reason = f"{found.reason}; the limit is a default of the profile and decides nothing: {_option(name, default)} makes it one that does"
    return msgspec.structs.replace(found, outcome="warn", reason=reason)


def _option(name: str, limit: float) -> str:
    return f"--max-{name} {f'{limit:g}ms' if UNITS[name] == 'ms' else f'{limit:.0f}B'}"


def check_limit(name: str, limit: float | None, metric: Metric | None, *, not_given: str | None = None) -> Check:
    """One limit compared with one metric.

    A measured or simulated value passes if it is at most the limit; a predicted one if its `high` is, and a predicted one
    without a `high` is unknown. A simulated cost with a `high` is judged by it too, for the simulation leaves something out
    (an NPU's driver, the runtime's own memory). A published or declared value is no evidence for a file: unknown.
    """
    outcome, reason = _outcome(name, limit, metric, not_given)
    found = metric if metric is not None else Metric(value=None, unit=UNITS.get(name, ""), basis=None, source="")
    return Check(
        name=name,
        outcome=outcome,
        limit=limit,
        value=found.value,
        unit=found.unit or UNITS.get(name, ""),
        basis=found.basis,
        reason=reason,
        low=found.low,
        high=found.high,
    )


def _outcome(
    name: str, limit: float | None, metric: Metric | None, not_given: str | None
) -> tuple[Literal["pass", "fail", "unknown", "not asked"], str]:
    if not_given is not None:
        return "not asked", not_given
    if limit is None:
        return "not asked", NO_LIMIT
    if math.isnan(limit):
        return "unknown", "the limit is not a number"
    if metric is None:
        return "unknown", f"{name} was not measured"
    if metric.value is None or not math.isfinite(metric.value):
        return "unknown", metric.reason or f"{name} has no value"
    if metric.basis == "predicted" and (metric.high is None or not math.isfinite(metric.high)):
        return "unknown", "the prediction has no upper end"
    if _is_judged_by_high(name, metric.basis, metric.high):
        return _predicted(str(metric.basis), metric.value, max(metric.value, metric.high or 0), limit)
    if metric.basis in ("measured", "simulated"):
        return _compared(name, metric.value, limit, metric)
    return "unknown", f"a figure that is {metric.basis or 'of no basis'} is no evidence for this file"


def _compared(name: str, value: float, limit: float, metric: Metric) -> tuple[Literal["pass", "fail"], str]:
    if value > limit and not math.isclose(value, limit, rel_tol=ROUNDING):
        counted = _in_samples(value, limit, metric) if name == "accuracy_drop" else ""
        return "fail", counted or f"{_over(value, limit)} the limit"
    if metric.high is not None and metric.high > limit:
        return "pass", f"the value is within the limit; its interval reaches {figure('', metric.high, metric.unit)}"
    return "pass", ""


def _in_samples(value: float, limit: float, metric: Metric) -> str:
    """A loss as a number of samples, if these are too few to distinguish it from the limit; else, or if it is not a count, empty."""
    if metric.samples is None or metric.low is None or metric.low > limit:
        return ""
    lost, allowed = value * metric.samples / 100, limit * metric.samples / 100
    return (
        f"{lost:.0f} of {metric.samples} samples, more than the {allowed:.3g} that {limit:g} {'point is' if limit == 1 else 'points are'}; so few "
        f"samples cannot tell: the 95% interval is {metric.low:.2f} to {metric.high or value:.2f} points"
    )


def _is_judged_by_high(name: str, basis: Basis | None, high: float | None) -> bool:
    """Whether a figure is judged by its high end; an accuracy's interval comes from sampling, so its value is judged."""
    return high is not None and (basis == "predicted" or (basis == "simulated" and name in COSTS))


def _predicted(basis: str, value: float, high: float, limit: float) -> tuple[Literal["pass", "fail"], str]:
    if high <= limit:
        return "pass", f"the whole {basis} interval is within the limit"
    if value <= limit:
        return "fail", f"{basis} within the limit, but its high end is {_over(high, limit)} it: measure it"
    return "fail", f"{basis} {_over(value, limit)} the limit"


def _over(value: float, limit: float) -> str:
    if limit <= 0:
        return f"{value - limit:.3g} over"
    if value / limit >= MOST_FACTOR:
        return f"{value / limit:,.3g} times" if value / limit < 1000 else f"{value / limit:,.0f} times"
    percent = 100 * (value / limit - 1)
    if percent < LEAST_PERCENT:
        return f"less than {LEAST_PERCENT:g}% over"
    return f"{percent:.0f}% over" if percent >= 10 else f"{percent:.2g}% over"


def outcome(checks: Iterable[Check]) -> Literal["pass", "fail"]:
    """'pass' if every check passed, warned or was not asked; an unknown check fails, and so does an empty list."""
    found = [check.outcome for check in checks]
    return "pass" if found and all(one in HARMLESS for one in found) else "fail"


def misses(checks: Iterable[Check]) -> tuple[Check, ...]:
    """The checks because of which the outcome is not a pass."""
    return tuple(check for check in checks if check.outcome in ("fail", "unknown"))


def warnings(checks: Iterable[Check]) -> tuple[Check, ...]:
    """The checks that missed a default that nobody asked for."""
    return tuple(check for check in checks if check.outcome == "warn")


def judged_value(name: str, metric: Metric) -> float:
    """The figure compared with a limit: the high end if that is what is judged, else the value; infinite if not known."""
    if metric.value is None:
        return math.inf
    return (
        max(metric.value, metric.high or 0)
        if _is_judged_by_high(name, metric.basis, metric.high)
        else float(metric.value)
    )


def shortfall(check: Check) -> float:
    """How far a check is from passing, as a share of its limit: 0 if it does not fail, infinite if unknown.

    A check that is judged by its high end is measured by it.
    """
    if check.outcome in HARMLESS:
        return 0.0
    limit, value = check.limit, check.value
    if check.outcome == "unknown" or isinstance(limit, str) or isinstance(value, str) or limit is None or value is None:
        return math.inf
    judged = max(value, check.high or 0) if _is_judged_by_high(check.name, check.basis, check.high) else value
    return (judged - limit) / limit if limit > 0 else judged - limit


def largest_miss(checks: Iterable[Check]) -> Check | None:
    """The check that is furthest from passing, as a share of its limit; None where none is missed."""
    return max(misses(checks), key=shortfall, default=None)


def runtime_check(runtime: str, problem: str | None = None, *, basis: Basis = "simulated") -> Check:
    """Whether the file loads and runs on the device's kind of runtime; `problem` says why it does not."""
    if problem is None:
        return Check(name="runtime", outcome="pass", value=runtime, basis=basis, reason="it loads and runs")
    return Check(name="runtime", outcome="fail", value=runtime, basis=basis, reason=problem)


def operators_check(table: str, problems: Sequence[str], *, count: int) -> Check:
    """Whether a runtime's operator table has all of the file's operators in their versions; one line for each problem."""
    reason = "; ".join(problems) or f"all {count} operators are in the table"
    return Check(
        name="operators",
        outcome="fail" if problems else "pass",
        limit=table,
        value=f"{len(problems)} not supported" if problems else f"{count} supported",
        basis="measured",
        reason=reason,
    )


def dtype_check(
    side: Literal["input", "output"], tensors: Sequence[InputFacts], allowed: Sequence[str], *, also: Sequence[str] = ()
) -> Check:
    """Whether the dtypes of a model's inputs or outputs are among those that files for the device should have.

    Integers without a scale (token numbers, class numbers, flags) are not quantized figures and always pass. `also` are
    dtypes that the device can compute with nevertheless: if only these are needed in addition, the check warns.
    """
    wrong = [
        tensor for tensor in tensors
        if tensor.dtype not in allowed and not (tensor.dtype in INDEX_DTYPES and tensor.scale is None)
    ]  # fmt: skip
    preferred = bool(wrong) and all(tensor.dtype in also for tensor in wrong)
    reason = ", ".join(f"{tensor.name!r} is {tensor.dtype}" for tensor in wrong)
    if preferred:
        reason += f"; {', '.join(allowed)} is what edgekit makes for the device, which computes with the other too"
    return Check(
        name=f"{side}_dtype",
        outcome="warn" if preferred else "fail" if wrong else "pass",
        limit=", ".join(allowed),
        value=", ".join(dict.fromkeys(tensor.dtype for tensor in tensors)),
        basis="measured",
        reason=reason,
    )


def agreement_check(
    name: str, value: float | None, unit: str, *, garbage: bool, reason: str, basis: Basis = "simulated"
) -> Check:
    """Whether outputs agree with a reference's; it fails only if they are unrelated, and else informs.

    How much worse a model may be is decided by its accuracy; this check finds a file that runs but gives garbage
    (a wrong delegate, a wrong table of weights), even if no accuracy was asked for.
    """
    return Check(
        name=name,
        outcome="fail" if garbage else "pass",
        value=value,
        unit=unit,
        basis=basis,
        reason=reason,
    )
