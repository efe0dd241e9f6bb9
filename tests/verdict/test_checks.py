"""Promise 3: unknown is never a pass, a prediction passes by its high end, what was not asked decides nothing."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.documents.report import Check, InputFacts, Metric
from edgekit.verdict import checks as verdict
from edgekit.verdict.checks import check_limit, judge, outcome, shortfall

figures = st.floats(0, 1e9, allow_nan=False)


def metric(value, basis="measured", **more):
    return Metric(value=value, unit="B", basis=basis, source="a test", **more)


any_metric = st.builds(
    metric,
    st.one_of(st.none(), figures, st.just(math.nan), st.just(math.inf)),
    st.sampled_from(["measured", "simulated", "predicted", "published", "declared", None]),
    low=st.one_of(st.none(), figures),
    high=st.one_of(st.none(), figures, st.just(math.nan)),
    reason=st.one_of(st.none(), st.just("it could not be had")),
)


@pytest.mark.parametrize(
    ("limit", "found", "expected"),
    [
        (100, metric(100), "pass"),
        (100, metric(101), "fail"),
        (100, metric(90, "simulated", high=120), "pass"),
        (100, metric(90, "predicted", low=50, high=100), "pass"),
        (100, metric(90, "predicted", low=50, high=101), "fail"),
        (100, metric(900, "predicted", low=50, high=1000), "fail"),
        (100, metric(90, "predicted"), "unknown"),
        (100, metric(90, "published"), "unknown"),
        (100, metric(90, "declared"), "unknown"),
        (100, metric(None, None, reason="the child crashed"), "unknown"),
        (100, metric(math.nan), "unknown"),
        (100, None, "unknown"),
        (None, metric(100), "not asked"),
    ],
)
def test_one_limit_against_one_metric(limit, found, expected):
    check = check_limit("flash", limit, found)
    assert check.outcome == expected
    if expected == "unknown":
        assert check.reason


def test_a_number_that_cannot_be_had_carries_its_reason():
    assert check_limit("ram", 10, metric(None, None, reason="the child crashed")).reason == "the child crashed"


def test_what_was_not_given_is_not_asked_whatever_the_limit():
    checks = judge({"accuracy_drop": 1.0}, {}, not_given={"accuracy_drop": "no data was given"})
    drop = next(check for check in checks if check.name == "accuracy_drop")
    assert (drop.outcome, drop.reason) == ("not asked", "no data was given")
    assert outcome(checks) == "pass"


def test_every_limited_check_is_listed_once_and_then_the_facts():
    fact = verdict.runtime_check("LiteRT 2.3.0")
    checks = judge({"flash": 10.0}, {"flash": metric(5)}, facts=[fact])
    assert [check.name for check in checks] == [*verdict.LIMITED, "runtime"]
    assert outcome(checks) == "pass"


def test_one_failing_fact_fails():
    checks = judge({"flash": 10.0}, {"flash": metric(5)}, facts=[verdict.runtime_check("LiteRT", "SIGSEGV")])
    assert outcome(checks) == "fail"
    assert [check.name for check in verdict.misses(checks)] == ["runtime"]


def test_no_checks_are_no_pass():
    assert outcome(()) == "fail"


def test_a_shortfall_is_a_share_of_the_limit():
    assert shortfall(check_limit("flash", 100, metric(150))) == 0.5
    assert shortfall(check_limit("latency", 100, metric(10, "predicted", low=1, high=300))) == 2.0
    assert shortfall(check_limit("flash", 100, metric(50))) == 0.0
    assert shortfall(check_limit("flash", 100, None)) == math.inf
    assert shortfall(check_limit("accuracy_drop", 0, metric(0.5))) == 0.5


def tensor(dtype, scale=None):
    return InputFacts(name="image", shape=(1, 8), dtype=dtype, scale=scale)


def test_dtypes_against_what_the_device_takes():
    assert verdict.dtype_check("input", [tensor("int8", 0.1)], ("int8",)).outcome == "pass"
    refused = verdict.dtype_check("input", [tensor("float32")], ("int8",))
    assert refused.outcome == "fail" and "'image' is float32" in refused.reason and refused.name == "input_dtype"


def test_token_numbers_are_taken_and_quantized_integers_are_not():
    assert verdict.dtype_check("input", [tensor("int32")], ("float32",)).outcome == "pass"
    assert verdict.dtype_check("output", [tensor("int16", 0.1)], ("float32",)).outcome == "fail"


def test_an_operator_that_is_not_there_is_named():
    check = verdict.operators_check("litert-2.3", ["CONV_2D version 9: takes versions 1 to 8"], count=3)
    assert check.outcome == "fail" and "CONV_2D version 9" in check.reason
    assert verdict.operators_check("litert-2.3", [], count=3).outcome == "pass"


@given(figures, figures, any_metric)
def test_a_tighter_limit_never_turns_a_fail_into_a_pass(first, second, found):
    tight, loose = sorted((first, second))
    if check_limit("flash", loose, found).outcome != "pass":
        assert check_limit("flash", tight, found).outcome != "pass"


@given(st.one_of(figures, st.just(math.inf)), any_metric)
def test_unknown_never_passes(limit, found):
    check = check_limit("ram", limit, found)
    known = (
        found.value is not None and math.isfinite(found.value) and found.basis in ("measured", "simulated", "predicted")
    )
    if not known or (found.basis == "predicted" and (found.high is None or math.isnan(found.high))):
        assert check.outcome == "unknown"
        assert outcome([check]) == "fail"


@given(figures, any_metric)
def test_a_pass_is_within_the_limit_at_the_end_that_counts(limit, found):
    if check_limit("latency", limit, found).outcome == "pass":
        assert found.value <= limit
        assert found.basis != "predicted" or found.high <= limit


@given(
    st.dictionaries(st.sampled_from(verdict.LIMITED), figures),
    st.dictionaries(st.sampled_from(verdict.LIMITED), any_metric),
)
def test_the_outcome_is_a_pass_only_where_every_declared_limit_passes(limits, metrics):
    checks = judge(limits, metrics)
    passed = all(check.outcome == "pass" for check in checks if check.name in limits)
    assert (outcome(checks) == "pass") == passed


@given(figures, any_metric)
def test_shortfall_is_zero_exactly_for_what_does_not_miss(limit, found):
    check: Check = check_limit("flash", limit, found)
    assert (shortfall(check) == 0.0) == (check.outcome == "pass")


def test_a_value_at_the_limit_passes_however_it_was_rounded():
    drop = Metric(value=(0.98 - 0.975) * 100, unit="points", basis="simulated", source="a test")
    assert drop.value > 0.5 and check_limit("accuracy_drop", 0.5, drop).outcome == "pass"
    assert check_limit("accuracy_drop", 0.4999, drop).outcome == "fail"


def test_what_a_simulation_leaves_out_counts_for_costs_and_not_for_samples():
    """Vela knows neither the driver nor the runtime's own memory: the high end has them."""
    cost = metric(5, "simulated", low=5, high=3000)
    for name in ("ram", "latency"):
        check = check_limit(name, 100, cost)
        assert check.outcome == "fail" and "its high end is 30 times it" in check.reason
        assert shortfall(check) == 29
        assert check_limit(name, 3000, cost).outcome == "pass"
        assert check_limit(name, 100, metric(5, "measured", low=4, high=3000)).outcome == "pass"
    assert check_limit("accuracy_drop", 100, cost).outcome == "pass"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (100.000_1, "less than 0.01% over the limit"), (101, "1% over the limit"), (299, "199% over the limit"), (300, "3 times the limit"), (288_100, "2,881 times the limit"),
        (1e15, "10,000,000,000,000 times the limit"),
    ],
)  # fmt: skip
def test_what_is_far_over_a_limit_is_a_factor_and_no_percentage(value, told):
    found = check_limit("flash", 100, Metric(value=value, unit="B", basis="measured", source=""))
    assert (found.outcome, found.reason) == ("fail", told)


def test_an_interval_beyond_the_limit_is_told_in_the_figures_unit():
    found = check_limit("flash", 524_288, metric(500_000, high=600_000))
    assert (found.outcome, found.reason) == ("pass", "the value is within the limit; its interval reaches 585.9 KiB")
