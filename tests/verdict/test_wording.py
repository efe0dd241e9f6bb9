"""Figures as people read them."""

from __future__ import annotations

import doctest

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edgekit.documents.report import Metric
from edgekit.verdict import wording
from edgekit.verdict.wording import ALIKE, beside, change, figure, relative, seconds, steadiness


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
        ("mae", 0.001, 2.88, "", "2,880x more"),
        ("mae", 2.88, 0.001, "", "2,880x less"),
        ("mae", 2.0, 5.8, "", "+190%"),
        ("m:f", -0.5, 2.0, "", ""),
        ("m:f", 0.0, 2.0, "", ""),
        ("m:f", 2.0, 0.0, "", "-100%"),
        ("mse", 1e-12, 1e3, "", ""),
        ("macs", 1_000, 2_881_000, "MAC", "2,881x more"),
        ("accuracy_drop", 0.5, 1.25, "points", "+0.75 points"),
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


@example(1e-30, 1.0000000000000003e-30)
@given(st.floats(1e-30, 1e30), st.floats(1e-30, 1e30))
def test_no_change_is_told_in_thousands_of_percent_or_with_an_exponent(before, after):
    said = relative(before, after)
    assert "e+" not in said and "e-" not in said.replace("e-0", "") and len(said) < 22
    if said.endswith("%"):
        assert -100 <= float(said[:-1].replace(",", "")) <= 200


def test_runs_that_lie_far_apart_are_not_called_steady():
    assert steadiness(True, 0.04, 1.02) == "steady, spread 4%"
    assert steadiness(False, 0.2, 1.1) == "not steady, spread 20%"
    assert steadiness(True, 8.37, 9.2).startswith(
        "the median is steady, single runs are not: a tenth of them takes 9.2 times"
    )
    assert steadiness(False, 12.0, 12_345.0).startswith("not steady: a tenth of them takes 12,345 times")


@pytest.mark.parametrize(
    ("name", "value", "limit", "unit", "told"),
    [
        ("accuracy_drop", 0.003, 0.0, "points", ("0.003 points", "0 points")),
        ("accuracy_drop", 0.5049, 0.5, "points", ("0.505 points", "0.5 points")),
        ("accuracy_drop", 0.56, 0.5, "points", ("0.56 points", "0.5 points")),
        ("accuracy_drop", 0.5 + 1e-12, 0.5, "points", ("0.5 points", "0.5 points")),
        ("flash", 524_300, 524_288, "B", ("524,300 B", "524,288 B")),
        ("download", 30_721, 30_720, "B", ("30,721 B", "30,720 B")),
        ("ram", 512.0, 512.0, "B", ("512 B", "512 B")),
        ("latency", 100.04, 100.0, "ms", ("100.04 ms", "100 ms")),
        ("latency", 0.0200004, 0.02, "ms", ("0.0200004 ms", "0.02 ms")),
        ("accuracy", 0.949_96, 0.95, "fraction", ("94.996%", "95%")),
        ("mae", 1.234_41, 1.2344, "", ("1.23441", "1.2344")),
        ("runtime", "litert", None, "", ("litert", "–")),
    ],
)
def test_rounding_does_not_contradict_a_verdict(name, value, limit, unit, told):
    assert beside(name, value, limit, unit) == told


@given(st.sampled_from(["B", "ms", "points"]), st.floats(0, 1e9), st.floats(-1, 1))
def test_what_is_beyond_a_limit_never_reads_as_the_limit(unit, limit, more):
    value = limit + more
    texts = beside("", value, limit, unit)
    apart = abs(value - limit)
    if apart > max(1e-9, 2 * ALIKE * limit):
        assert texts[0] != texts[1]


@given(st.floats(-1e12, 1e12))
def test_no_figure_of_a_thousand_or_more_has_an_exponent(value):
    told = figure("mae", value, "")
    assert "e+" not in told or abs(value) >= wording.ABSURD
    if abs(value) >= 1:
        assert "e" not in told or abs(value) >= wording.ABSURD
