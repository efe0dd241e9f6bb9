"""Whether rules apply: what counts as a change, equality at the limit, predictions, and that unknown never passes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.diff.gate import UNITS, parse_rules
from edgekit.diff.gate_verdict import judge, verdict
from edgekit.documents.comparison import MetricChange, Side
from edgekit.documents.report import Metric
from edgekit.errors import InputError

B = Side(path="b", kind="report", file="b/report.json", outcome="pass")


def metric(value, unit="B", basis="measured", **rest):
    return Metric(value=value, unit=unit, basis=basis, source="s", **rest)


def changed(name, a, b, unit="B", **rest):
    """A change as `comparer.figures` makes it."""
    change = b - a
    percent = 100 * change / abs(a) if a else None
    points = {"fraction": 100 * change, "points": change}.get(unit, percent)
    return MetricChange(
        name=name, unit=unit, a=metric(a, unit), b=metric(b, unit, **rest), change=change, percent=percent,
        points=points,
    )  # fmt: skip


def outcome(rule, *metrics, b=B):
    (result,) = judge(parse_rules([rule]), metrics, b)
    return result.outcome


@pytest.mark.parametrize(
    ("rule", "before", "after", "unit", "expected"),
    [
        ("accuracy<-0.5pt", 0.98, 0.974, "fraction", "fail"),
        ("accuracy<-0.5pt", 0.98, 0.976, "fraction", "pass"),
        ("accuracy<-0.5pt", 0.98, 0.99, "fraction", "pass"),
        ("accuracy<-0.5pt", 0.975, 0.97, "fraction", "pass"),  # exactly half a point, whatever floats make of it
        ("accuracy<=-0.5pt", 0.975, 0.97, "fraction", "fail"),
        ("accuracy<+0.5pt", 0.97, 0.974, "fraction", "fail"),  # it must gain half a point
        ("accuracy<-1%", 0.5, 0.494, "fraction", "fail"),  # 1.2 percent of A, which is 0.6 points
        ("accuracy<-1pt", 0.5, 0.494, "fraction", "pass"),
        ("accuracy<0.95", 0.9, 0.949, "fraction", "fail"),
        ("accuracy<95%", 0.9, 0.95, "fraction", "pass"),
        ("flash>+2%", 1000, 1021, "B", "fail"),
        ("flash>+2%", 1000, 1020, "B", "pass"),
        ("flash>=+2%", 1000, 1020, "B", "fail"),
        ("flash>+2pt", 1000, 1021, "B", "fail"),  # a point of any other metric is a percent of A's value
        ("flash>+1KiB", 1000, 2025, "B", "fail"),
        ("flash>+1KiB", 1000, 2024, "B", "pass"),
        ("flash>-5%", 1000, 960, "B", "fail"),  # it must shrink by 5 percent
        ("flash>512KiB", 1, 524_289, "B", "fail"),
        ("flash>512KiB", 1, 524_288, "B", "pass"),
        ("accuracy_drop>+0.5pt", 0.1, 0.7, "points", "fail"),
        ("accuracy_drop>1pt", 0.1, 0.7, "points", "pass"),
        ("mae>+1pt", 2.0, 2.03, "", "fail"),
        ("macs>+0", 1000, 1001, "MAC", "fail"),
        ("macs>+0", 1000, 1000, "MAC", "pass"),
    ],
)
def test_a_rule_applies_or_not(rule, before, after, unit, expected):
    assert outcome(rule, changed(rule.split("<")[0].split(">")[0], before, after, unit)) == expected


def test_a_negative_value_has_its_percent_of_its_size():
    """A log-likelihood that goes from -2 to -1 rises by half."""
    assert outcome("m:score<-1%", changed("m:score", -2.0, -1.0, "")) == "pass"
    assert outcome("m:score<-1%", changed("m:score", -2.0, -3.0, "")) == "fail"


def test_no_percent_of_nothing():
    assert outcome("macs>+2%", changed("macs", 0, 10, "MAC")) == "unknown"
    assert outcome("macs>+5", changed("macs", 0, 10, "MAC")) == "fail"


@pytest.mark.parametrize(
    ("rule", "high", "expected"), [("latency>20ms", 19.0, "pass"), ("latency>20ms", 21.0, "fail")]
)  # fmt: skip
def test_a_prediction_is_held_against_a_limit_by_its_far_end(rule, high, expected):
    assert outcome(rule, changed("latency", 5, 10, "ms", basis="predicted", low=1.0, high=high)) == expected


def test_a_prediction_without_an_end_is_unknown():
    assert outcome("latency>20ms", changed("latency", 5, 10, "ms", basis="predicted")) == "unknown"


@pytest.mark.parametrize("basis", ["published", "declared", None])
def test_what_somebody_says_is_no_evidence(basis):
    assert outcome("latency>20ms", changed("latency", 5, 10, "ms", basis=basis)) == "unknown"


@pytest.mark.parametrize(("rule", "expected"), [("outcome=fail", "pass"), ("outcome!=fail", "fail")])
def test_the_outcome_of_b(rule, expected):
    assert outcome(rule) == expected
    bare = Side(path="b", kind="tflite", file="b.tflite")
    assert outcome(rule, b=bare) == "unknown"


def test_a_metric_of_nobodys_is_refused():
    with pytest.raises(InputError, match=r"no metric 'metrics:f2'") as error:
        judge(parse_rules(["metrics:f2<-1pt"]), [changed("metrics:f1", 1, 2, "")], B)
    assert "did you mean 'metrics:f1'?" in str(error.value)


def test_a_known_metric_that_neither_has_is_unknown():
    assert outcome("auc<-1pt", changed("accuracy", 1, 1, "fraction")) == "unknown"


def test_the_verdict():
    rules = parse_rules(["flash>+2%", "ram>+2%"])
    good, bad = (
        changed("flash", 100, 100),
        MetricChange(name="ram", unit="B", a=metric(1), b=metric(None), reason="why"),
    )
    assert verdict(judge(rules[:1], [good], B)) == "pass"
    results = judge(rules, [good, bad], B)
    assert verdict(results) == "fail"
    assert results[1].outcome == "unknown" and "why" in results[1].reason
    assert verdict(()) == "not asked"


@given(
    name=st.sampled_from(sorted(UNITS)),
    sign=st.sampled_from("<>"),
    amount=st.sampled_from(["+1%", "-3pt", "-1e9%", "+1e9pt"]),
    known=st.sampled_from(["a", "b", ""]),
)
def test_unknown_never_passes(name, sign, amount, known):
    """Whatever the rule: where one side has no figure, it does not pass."""
    unit = UNITS[name]
    values = {side: metric(1.0 if side == known else None, unit) for side in "ab"}
    change = MetricChange(name=name, unit=unit, **values, reason="B: not measured")
    assert outcome(f"{name}{sign}{amount}", change) == "unknown"


@given(before=st.floats(0.01, 1e9), after=st.floats(0.01, 1e9), percent=st.floats(0, 1e3))
def test_a_stricter_rule_never_passes_what_a_looser_one_fails(before, after, percent):
    change = changed("flash", before, after)
    loose = outcome(f"flash>+{percent + 1:f}%", change)
    strict = outcome(f"flash>+{percent:f}%", change)
    assert not (loose == "fail" and strict == "pass")


@pytest.mark.parametrize("rule", ["mae>+2%", "mae>+2pt"])
def test_a_change_by_thousands_of_percent_is_told_as_a_factor(rule):
    (result,) = judge(parse_rules([rule]), (changed("mae", 0.001, 2.882, ""),), B)
    assert result.reason.startswith("mae became 2,882 times what it was (0.001 to 2.882), above +2")
    (result,) = judge(parse_rules([rule]), (changed("mae", 2.0, 2.2, ""),), B)
    assert "mae changed by +10" in result.reason
