"""Figures as people read them."""

from __future__ import annotations

import doctest

import pytest

from edgekit import wording
from edgekit.report import Metric
from edgekit.wording import change, figure, seconds


def metric(value, unit="B"):
    return Metric(value=value, unit=unit, basis="measured", source="")


def test_the_examples_of_the_docstrings():
    assert doctest.testmod(wording) == (0, doctest.testmod(wording).attempted)
    assert doctest.testmod(wording).attempted >= 4


@pytest.mark.parametrize(
    ("name", "before", "after", "unit", "told"),
    [
        ("flash", 400, 100, "B", "4.0x smaller"),
        ("flash", 100, 400, "B", "4.0x larger"),
        ("latency", 10.0, 8.0, "ms", "1.2x faster"),
        ("latency", 8.0, 8.4, "ms", "1.05x slower"),
        ("ram", 100, 100, "B", "same"),
        ("accuracy", 0.95, 0.96, "fraction", "+1.00 points"),
        ("accuracy", 0.95, 0.95, "fraction", "same"),
        ("mae", 2.0, 2.2, "", "+10%"),
        ("flash", None, 100, "B", ""),
        ("sparsity", 0.0, 0.5, "fraction", ""),
    ],
)
def test_a_change_is_told_in_the_metrics_own_terms(name, before, after, unit, told):
    assert change(name, metric(before, unit), metric(after, unit)) == told


def test_figures_by_unit():
    assert figure("sparsity", 0.8, "fraction") == "80.00%"
    assert figure("auc", 0.9123, "fraction") == "0.9123"
    assert figure("max_drop", 1.0, "points") == "1 point"
    assert figure("dtypes", "int8", "") == "int8"
    assert figure("ram", None, "B") == "–"
    assert figure("latency", 0.0, "ms") == "0 ms"


def test_times_to_wait():
    assert [seconds(value) for value in (0.04, 59, 61, 7260)] == ["0.0 s", "59 s", "1 min 1 s", "2 h 1 min"]
