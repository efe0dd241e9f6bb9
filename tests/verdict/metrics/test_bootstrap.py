"""Resampling within the time that it is given."""

from __future__ import annotations

import types

import numpy as np
import pytest

from edgekit.verdict import drop, metrics
from edgekit.verdict.drop import paired_drop
from edgekit.verdict.metric_spec import MetricSpec
from edgekit.verdict.metrics import bootstrap, score

MAE = MetricSpec(name="mae", higher_is_better=False)


@pytest.mark.parametrize("count", [(1000, 1000), (1000, None), (None, 250), (399, 120), (0, 0)])
def test_what_is_known_of_a_metric_on_resamples_is_not_computed_again_and_changes_no_figure(count):
    spec, generator = MetricSpec(name="mine:mean", higher_is_better=True), np.random.default_rng(0)
    targets, first, second = generator.random((3, 40))
    calls = 0

    def metric(targets, outputs):
        nonlocal calls
        calls += 1
        return float((targets * outputs).mean())

    figures: list[np.ndarray] = []
    for outputs in (first, second):
        score(spec, [targets], [outputs], metric, keep=figures.append)
    assert [len(one) for one in figures] == [1000, 1000] and calls == 2 * 1001
    known = tuple(None if size is None else one[:size] for one, size in zip(figures, count, strict=True))
    calls = 0
    again = paired_drop(spec, [targets], [first], [second], metric, known=known)
    assert calls == 2 + 2000 - sum(size or 0 for size in count)
    assert again == paired_drop(spec, [targets], [first], [second], metric) and again.low is not None


def test_the_bootstrap_of_a_slow_function_stops_in_time_and_says_so(monkeypatch):
    spec = MetricSpec(name="mine:slow", higher_is_better=True)
    arrays = [np.arange(20.0)], [np.arange(20.0)]
    now = 0.0
    for module in (metrics, bootstrap, drop):
        monkeypatch.setattr(module, "time", types.SimpleNamespace(monotonic=lambda: now))

    def slow(targets, outputs):
        nonlocal now
        now += 0.25
        return float((targets * outputs).mean())

    found = score(spec, *arrays, slow, time_limit_s=100.0)
    assert now == 100.0, "it goes on for as long as it may, and no longer"
    assert found.low < found.value < found.high
    assert found.method == "bootstrap, 399 resamples", "four calls a second, and one for the value"
    few = score(spec, *arrays, slow, time_limit_s=5.0)
    assert now == 105.0
    assert few.value == found.value and few.low is None and "only 19 resamples were done" in few.method
    fell = paired_drop(spec, *arrays, arrays[1], slow, time_limit_s=5.0)
    assert now == 110.0
    assert (fell.points, fell.low) == (0.0, None) and "only 9 resamples" in fell.method, "two calls of each model"
    assert score(MAE, [np.zeros(20)], [np.arange(20.0)]).method == "bootstrap, 1000 resamples"
