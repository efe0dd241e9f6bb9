"""Resampling within the time that it is given."""

from __future__ import annotations

import types

import numpy as np

from edgekit.verdict import drop, metrics
from edgekit.verdict.drop import paired_drop
from edgekit.verdict.metric_spec import MetricSpec
from edgekit.verdict.metrics import bootstrap, score

MAE = MetricSpec(name="mae", higher_is_better=False)


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
