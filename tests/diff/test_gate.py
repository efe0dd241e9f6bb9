"""The language of `--fail-if`: what each form means, and that a wrong one is refused with what is allowed."""

from __future__ import annotations

import pytest

from edgekit.diff.gate import UNITS, parse_rules
from edgekit.errors import InputError
from edgekit.verdict.wording import JUDGED, ORDER


@pytest.mark.parametrize(
    ("text", "kind", "amount", "unit"),
    [
        ("accuracy<-0.5pt", "change", -0.5, "points"),
        ("accuracy < -0.5 points", "change", -0.5, "points"),
        ("auc<=-1pt", "change", -1.0, "points"),
        ("flash>+2%", "change", 2.0, "%"),
        ("flash>+1KiB", "change", 1024.0, ""),
        ("download>-1.5kB", "change", -1500.0, ""),
        ("latency>=+2ms", "change", 2.0, ""),
        ("macs>+1.5M", "change", 1.5e6, ""),
        ("parameters>+0", "change", 0.0, ""),
        ("accuracy_drop>+0.25pt", "change", 0.25, "points"),
        ("latency>20ms", "limit", 20.0, ""),
        ("latency>1500us", "limit", 1.5, ""),
        ("flash>512KiB", "limit", 524_288.0, ""),
        ("accuracy<0.95", "limit", 0.95, ""),
        ("accuracy<95%", "limit", 0.95, ""),
        ("accuracy_drop>1pt", "limit", 1.0, ""),
        ("mae>0.25", "limit", 0.25, ""),
        ("metrics:f1<-1pt", "change", -1.0, "points"),
        ("my.metrics:f1<0.5", "limit", 0.5, ""),
    ],
)
def test_what_a_rule_means(text, kind, amount, unit):
    (rule,) = parse_rules([text])
    assert (rule.kind, rule.unit) == (kind, unit)
    assert rule.amount == pytest.approx(amount)
    assert " " not in rule.text


def test_an_outcome_is_a_rule_too():
    is_fail, no_pass = parse_rules(["outcome=fail", "outcome != pass"])
    assert (is_fail.kind, is_fail.sign, is_fail.outcome) == ("outcome", "=", "fail")
    assert (no_pass.sign, no_pass.outcome) == ("!=", "pass")


def test_a_rule_that_is_given_twice_counts_once():
    assert len(parse_rules(["flash>+2%", "flash > +2%", "flash>+3%"])) == 2


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "not a rule"),
        ("flash", "not a rule"),
        ("flash>", "not a rule"),
        (">2%", "not a rule"),
        ("flash=>2%", "flash is compared by <, <=, > or >="),
        ("flash>+2%; rm -rf", "neither a change"),
        ("flash>two", "neither a change"),
        ("flash>+-2%", "neither a change"),
        ("flash>nan", "neither a change"),
        ("flash>+1e999B", "too large"),
        ("flahs>+2%", "did you mean 'flash'?"),
        ("Flash>+2%", "did you mean 'flash'?"),
        ("outcom=fail", "outcom is compared by"),
        ("outcome=failed", "pass or fail"),
        ("outcome<fail", "pass or fail"),
        ("flash>2%", "write +2% or -2%"),
        ("accuracy<0.5pt", "write +0.5pt or -0.5pt"),
        ("accuracy<-0.5", "a unit is missing"),
        ("accuracy<95", "between 0 and 1"),
        ("flash>512", "a unit is missing"),
        ("flash>+2ms", "'ms' does not fit"),
        ("latency>20MB", "'MB' does not fit"),
        ("accuracy_drop>1", "a unit is missing"),
        ("macs>+2parsecs", "'parsecs' does not fit"),
    ],
)
def test_a_wrong_rule_is_refused(text, told):
    with pytest.raises(InputError) as error:
        parse_rules(["accuracy<-1pt", text])
    assert error.value.exit_code == 2
    said = str(error.value)
    assert told in said and "--fail-if" in said and repr(text) in said


def test_the_language_knows_every_metric_of_a_report():
    assert {*ORDER, *JUDGED} <= set(UNITS)
