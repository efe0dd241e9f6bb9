"""The area under the ROC curve against its definition: the share of pairs in order."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.verdict.metric_spec import MetricSpec
from edgekit.verdict.metrics import score

AUC = MetricSpec(name="auc")


def test_auc_counts_pairs_and_halves_ties():
    targets = np.array([0, 0, 1, 1])
    assert score(AUC, [targets], [np.array([0.1, 0.4, 0.35, 0.8])]).value == 3 / 4
    assert score(AUC, [targets], [np.array([0.5, 0.5, 0.5, 0.5])]).value == 1 / 2
    assert score(AUC, [targets], [np.array([[0.9, 0.1], [0.6, 0.4], [0.65, 0.35], [0.2, 0.8]])]).value == 3 / 4


def test_auc_equals_the_definition_on_random_figures():
    generator = np.random.default_rng(3)
    targets, outputs = generator.integers(0, 2, 60), generator.integers(0, 9, 60) / 9
    positive, negative = outputs[targets == 1][:, None], outputs[targets == 0][None]
    wins = ((positive > negative) + 0.5 * (positive == negative)).mean()
    found = score(AUC, [targets], [outputs])
    assert found.value == pytest.approx(wins)
    assert found.low < found.value < found.high


def test_auc_of_several_classes_is_the_mean_of_one_against_the_rest():
    targets = np.array([0, 1, 2, 0, 1, 2])
    perfect = np.eye(3)[targets]
    assert score(AUC, [targets], [perfect]).value == 1.0
    third_blind = perfect.copy()
    third_blind[:, 2] = 0.5
    assert score(AUC, [targets], [third_blind]).value == pytest.approx((1 + 1 + 0.5) / 3)


def test_auc_of_one_class_has_a_reason_and_no_value():
    found = score(AUC, [np.ones(4, int)], [np.arange(4.0)])
    assert found.value is None and "both classes" in found.reason
