"""MAE and MSE, spelled out."""

from __future__ import annotations

import numpy as np

from edgekit.verdict.metric_spec import MetricSpec
from edgekit.verdict.metrics import score

MAE = MetricSpec(name="mae", higher_is_better=False)
MSE = MetricSpec(name="mse", higher_is_better=False)


def test_errors_of_a_regression():
    targets, outputs = np.array([0.0, 1.0, 2.0]), np.array([[0.0], [2.0], [4.0]])
    assert score(MAE, [targets], [outputs]).value == (0 + 1 + 2) / 3
    assert score(MSE, [targets], [outputs]).value == (0 + 1 + 4) / 3
