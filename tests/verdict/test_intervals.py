"""The arithmetic of intervals, against tables and formulas that others published."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.verdict.intervals import Interval, paired_difference, percentiles, wilson


def test_wilson_as_in_the_table_of_newcombe_1998():
    """Newcombe, Statistics in Medicine 17:857, table I, method 3: 81 of 263, 15 of 148, 0 of 20, 1 of 29."""
    for successes, trials, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611)):
        found = wilson(successes, trials)
        assert (found.low, found.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


def test_the_paired_interval_by_hand():
    """5 right only before, 1 only after, 98 samples: p12 = 6/100, p21 = 2/100."""
    half = 1.959963984540054 * math.sqrt((0.06 + 0.02 - 0.04**2) / 100)
    found = paired_difference(5, 1, 98)
    assert (found.low, found.high) == (pytest.approx(0.04 - half), pytest.approx(0.04 + half))


def test_the_paired_interval_covers_what_it_says():
    generator = np.random.default_rng(0)
    kinds = generator.choice(3, size=(2000, 200), p=[0.03, 0.01, 0.96])
    inside = 0
    for row in kinds:
        found = paired_difference(int((row == 0).sum()), int((row == 1).sum()), 200)
        inside += found.low <= 0.02 <= found.high
    assert 0.93 <= inside / 2000 <= 0.99


def test_too_few_numbers_make_no_interval():
    assert percentiles(np.array([np.nan, np.nan, 1.0]), 1.0) is None
    assert percentiles(np.array([1.0, 2.0, 3.0]), 9.0).high == 9.0


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 500))
def test_paired_intervals_are_mirrored_and_hold_the_value(first, second, rest):
    trials = first + second + rest
    found, mirrored = paired_difference(first, second, trials), paired_difference(second, first, trials)
    assert found.low == pytest.approx(-mirrored.high) and found.high == pytest.approx(-mirrored.low)
    assert -1 <= found.low <= found.high <= 1
    if trials:
        assert found.low <= (first - second) / trials <= found.high


@given(st.integers(0, 200), st.integers(1, 200))
def test_a_wilson_interval_holds_its_share_and_narrows(successes, trials):
    successes = min(successes, trials)
    found, more = wilson(successes, trials), wilson(10 * successes, 10 * trials)
    assert 0 <= found.low <= successes / trials <= found.high <= 1
    assert more.high - more.low < found.high - found.low


def test_intervals_are_values():
    assert Interval(low=0.0, high=1.0) == Interval(low=0.0, high=1.0)
