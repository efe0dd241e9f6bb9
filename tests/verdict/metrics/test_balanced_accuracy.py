"""Balanced accuracy, counted by hand on classes of different sizes."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.verdict.drop import paired_drop
from edgekit.verdict.metric_spec import MetricSpec
from edgekit.verdict.metrics import score

ACCURACY = MetricSpec(name="accuracy")
BALANCED = MetricSpec(name="balanced_accuracy")


def test_balanced_accuracy_is_the_mean_of_the_classes_own():
    targets = np.array([0] * 8 + [1] * 2)
    always = np.tile([0.9, 0.1], (10, 1))
    assert score(ACCURACY, [targets], [always]).value == 0.8
    found = score(BALANCED, [targets], [always])
    assert found.value == 0.5 and found.low <= 0.5 <= found.high and "bootstrap" in found.method
    right = np.eye(2)[targets]
    right[9] = [1, 0]
    assert score(BALANCED, [targets], [right]).value == (1.0 + 0.5) / 2
    drop = paired_drop(BALANCED, [targets], [right], [always])
    assert drop.points == pytest.approx(25.0) and drop.low <= drop.points <= drop.high
    assert score(BALANCED, [np.eye(2)[targets]], [right]).value == 0.75
    assert score(BALANCED, [targets], [right[:, 1:]]).value == 0.75


def test_balanced_accuracy_of_labels_and_of_maps():
    labels = np.array([[1, 1, 0], [0, 1, 0], [0, 1, 1]])
    outputs = np.array([[0.9, 0.8, 0.1], [0.9, 0.8, 0.9], [0.1, 0.9, 0.9]])
    # yes and no of each label: 1/1 and 1/2; 3/3 and none; 1/1 and 1/2
    assert score(BALANCED, [labels], [outputs]).value == pytest.approx((1 + 0.5 + 1 + 1 + 0.5) / 5)
    places = np.array([[0, 0, 0, 1], [0, 0, 0, 0]])
    decided = np.zeros((2, 4, 2))
    decided[..., 0] = 1
    assert score(BALANCED, [places], [decided]).value == 0.5
    assert score(ACCURACY, [places], [decided]).value == 7 / 8
