"""Axes: round ticks, the unit of the values, nothing above a cap."""

from __future__ import annotations

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

import edgekit.emit.html.axis as axis_module
from edgekit.emit.html.axis import axis


def test_the_examples_of_the_docstrings():
    assert doctest.testmod(axis_module).failed == 0 < doctest.testmod(axis_module).attempted


@pytest.mark.parametrize(
    ("values", "unit", "told"),
    [
        ([3_000, 46_000], "B", ("KiB", ["0", "10", "20", "30", "40"])),
        ([0.02, 0.4], "ms", ("µs", ["0", "100", "200", "300", "400"])),
        ([300, 900], "B", ("B", ["0", "200", "400", "600", "800"])),
    ],
)
def test_ticks_are_round_in_the_unit_of_the_values(values, unit, told):
    found = axis(values, unit, from_zero=True)
    assert (found.unit, [text for _, text in found.ticks]) == told


@given(st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=8), st.booleans(), st.sampled_from(["B", "ms", "%", ""]))
def test_every_value_lies_on_its_axis_between_ticks_that_differ(values, from_zero, unit):
    found = axis(values, unit, from_zero=from_zero)
    assert all(-1e-6 <= found.share(value) <= 1 + 1e-6 for value in values)
    assert 1 <= len(found.ticks) <= 12
    texts = [text for _, text in found.ticks]
    assert len(set(texts)) == len(texts)


def test_a_share_has_no_tick_above_all():
    found = axis([0.999, 1.0], "%", from_zero=False, cap=1.0)
    assert found.ticks[-1][1] == "100.00" and found.high == pytest.approx(100)
