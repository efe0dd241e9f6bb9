"""A metric of the user's own."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.errors import DataError
from edgekit.verdict.metric_spec import MetricSpec
from edgekit.verdict.metrics import score


def test_the_users_function_gets_targets_and_outputs():
    spec = MetricSpec(name="mine:share", higher_is_better=True)
    found = score(spec, [np.array([1.0, 2.0])], [np.array([[1.0], [5.0]])], lambda t, p: float((t == p[:, 0]).mean()))
    assert found.value == 0.5
    with pytest.raises(DataError, match="function"):
        score(spec, [np.zeros(2)], [np.zeros(2)])
