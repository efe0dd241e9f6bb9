"""Points lost against a baseline, on arrays small enough to count by hand."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.verdict.drop import paired_drop
from edgekit.verdict.intervals import resamples
from edgekit.verdict.metric_spec import MetricSpec

ACCURACY = MetricSpec(name="accuracy")
MAE = MetricSpec(name="mae", higher_is_better=False)


def test_a_drop_of_accuracy_is_in_points():
    targets = np.zeros(100, int)
    baseline, worse = np.tile([1.0, 0.0], (100, 1)), np.tile([1.0, 0.0], (100, 1))
    worse[:3] = [0.0, 1.0]
    found = paired_drop(ACCURACY, [targets], [baseline], [worse])
    assert found.points == pytest.approx(3.0)
    assert found.low < 3.0 < found.high and found.samples == 100
    back = paired_drop(ACCURACY, [targets], [worse], [baseline])
    assert back.points == pytest.approx(-3.0)


def test_no_disagreement_still_has_an_interval():
    outputs = np.tile([1.0, 0.0], (50, 1))
    found = paired_drop(ACCURACY, [np.zeros(50, int)], [outputs], [outputs])
    assert found.points == 0.0 and found.low < 0.0 < found.high


def test_a_drop_of_an_error_is_a_percentage_of_the_baseline():
    targets = np.zeros(40)
    found = paired_drop(MAE, [targets], [np.full(40, 2.0)], [np.full(40, 2.5)])
    assert found.points == pytest.approx(25.0)
    assert (found.low, found.high) == (pytest.approx(25.0), pytest.approx(25.0))
    better = paired_drop(MAE, [targets], [np.full(40, 2.0)], [np.full(40, 1.0)])
    assert better.points == pytest.approx(-50.0)


def test_a_percentage_of_zero_is_unknown():
    found = paired_drop(MAE, [np.zeros(5)], [np.zeros(5)], [np.ones(5)])
    assert found.points is None and "0" in found.reason
    assert paired_drop(MAE, [np.zeros(5)], [np.zeros(5)], [np.zeros(5)]).points == 0.0


def test_the_bootstrap_is_seeded_and_paired():
    first = np.concatenate(list(resamples(30, seed=1)))
    assert first.shape == (1000, 30)
    assert np.array_equal(first, np.concatenate(list(resamples(30, seed=1))))
    assert not np.array_equal(first, np.concatenate(list(resamples(30, seed=2))))
    generator = np.random.default_rng(0)
    targets, outputs = generator.random(30), generator.random(30)
    same = paired_drop(MAE, [targets], [outputs], [outputs])
    assert (same.points, same.low, same.high) == (0.0, 0.0, 0.0)
