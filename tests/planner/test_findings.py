"""What makes a choice hard to believe, and a loss of few samples said in samples."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.documents.report import Metric
from edgekit.planner.findings import few_samples, reach_of, time_cut
from edgekit.verdict.checks import check_limit
from edgekit.verdict.intervals import paired_difference


def drop(lost: int, samples: int, *, counted: bool = True) -> Metric:
    """So many samples of which as many more are wrong."""
    interval = paired_difference(lost, 0, samples)
    return Metric(
        value=100 * lost / samples, unit="points", basis="simulated", source="a test", low=100 * interval.low,
        high=100 * interval.high, samples=samples if counted else None,
    )  # fmt: skip


def test_what_time_cut_is_named_with_what_to_do():
    found = time_cut(["int8", "pruning_75+int8"], [("pruning_50+int8", ("pruning was stopped at step 9 of 20",))])
    assert found.name == "time_cut" and "--time-budget" in found.advice
    assert "2 candidates were not tried (int8, pruning_75+int8)" in found.what
    assert "pruning_50+int8: pruning was stopped at step 9 of 20" in found.what
    assert "1 candidate was not tried" in time_cut(["int8"], []).what
    assert time_cut([str(number) for number in range(9)], []).what.endswith("(0, 1, 2, 3, 4, ...)")
    assert time_cut([], []) is None


@pytest.mark.parametrize(
    ("samples", "allowed", "tells"), [(140, 1.0, False), (287, 1.0, True), (287, 0.5, False), (560, 0.1, True)]
)
def test_samples_that_cannot_tell_what_may_be_lost(samples, allowed, tells):
    """Below half a point nothing is asked of them: a limit of nothing is never told."""
    found = few_samples(drop(0, samples), allowed)
    assert (found is None) is tells
    if found:
        assert found.name == "validation_too_small" and f"{samples} validation samples" in found.what


def test_what_is_no_share_of_samples_is_not_counted_in_them():
    assert few_samples(drop(0, 10, counted=False), 1.0) is None and few_samples(None, 1.0) is None


@given(st.integers(1, 100_000))
def test_more_samples_reach_less(samples):
    assert reach_of(samples + 1) <= reach_of(samples) and reach_of(samples) <= 100


def test_two_images_are_not_186_percent():
    check = check_limit("accuracy_drop", 1.0, drop(2, 140))
    assert check.outcome == "fail"
    assert check.reason.startswith("2 of 140 samples, more than the 1.4 that 1 point is; so few samples cannot tell")
    assert check.reason.endswith("is -1.34 to 4.16 points") and "%" not in check.reason.split(":")[0]


def test_a_loss_that_the_samples_tell_is_said_in_percent():
    check = check_limit("accuracy_drop", 1.0, drop(60, 1400))
    assert check.outcome == "fail" and check.reason == "4.29 times the limit"
    assert check_limit("accuracy_drop", 1.0, drop(2, 140, counted=False)).reason == "43% over the limit"
