"""What is true of the score of every metric."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.errors import DataError
from edgekit.verdict.metric_spec import MetricSpec
from edgekit.verdict.metrics import score

ACCURACY = MetricSpec(name="accuracy")
MAE = MetricSpec(name="mae", higher_is_better=False)
LOGITS = np.array([[2.0, 1.0, 0.0], [0.0, 3.0, 1.0], [0.0, 1.0, 2.0], [5.0, 0.0, 0.0]], np.float32)


def test_another_number_of_targets_is_an_error():
    with pytest.raises(DataError, match="number of samples"):
        score(ACCURACY, [np.zeros(3, int)], [LOGITS])


def test_the_spec_chooses_the_output():
    second = MetricSpec(name="mae", higher_is_better=False, output=1)
    values = [np.zeros(2), np.zeros(2)], [np.ones((2, 1)), np.full((2, 1), 3.0)]
    assert score(second, *values).value == 3.0
    with pytest.raises(DataError, match="not there"):
        score(MetricSpec(output=2), *values)


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 60), st.integers(0, 10_000))
def test_a_score_lies_in_its_interval(samples, seed):
    generator = np.random.default_rng(seed)
    outputs, targets = generator.random((samples, 3)), generator.integers(0, 3, samples)
    found = score(ACCURACY, [targets], [outputs])
    assert found.low <= found.value <= found.high
    errors = score(MAE, [generator.random((samples, 3))], [outputs])
    assert errors.low <= errors.value <= errors.high
