"""Accuracy, counted by hand: which class outputs decide for, and which targets name."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.errors import DataError
from edgekit.verdict.agreement import agreement
from edgekit.verdict.metric_spec import MetricSpec
from edgekit.verdict.metrics import score

ACCURACY = MetricSpec(name="accuracy")
LOGITS = np.array([[2.0, 1.0, 0.0], [0.0, 3.0, 1.0], [0.0, 1.0, 2.0], [5.0, 0.0, 0.0]], np.float32)


@pytest.mark.parametrize(
    "targets",
    [
        np.array([0, 1, 2, 1]),
        np.array([[0], [1], [2], [1]], np.uint8),
        np.array([0.0, 1.0, 2.0, 1.0]),
        np.eye(3, dtype=np.float32)[[0, 1, 2, 1]],
    ],
    ids=["class numbers", "a column", "floats", "one-hot"],
)
def test_accuracy_takes_the_largest_output(targets):
    assert score(ACCURACY, [targets], [LOGITS]).value == 3 / 4


@pytest.mark.parametrize("shape", [(4,), (4, 1)])
def test_one_output_is_class_one_above_a_half(shape):
    outputs = np.array([0.1, 0.6, 0.5, 0.9]).reshape(shape)
    assert score(ACCURACY, [np.array([0, 1, 0, 0])], [outputs]).value == 3 / 4


def test_logits_are_decided_at_the_threshold_of_the_metric():
    targets, logits = np.array([0, 1, 1, 0]), np.array([[-2.0], [0.3], [4.0], [0.1]])
    at_zero = MetricSpec(threshold=0.0)
    assert score(ACCURACY, [targets], [logits]).value == 3 / 4
    assert score(at_zero, [targets], [logits]).value == 3 / 4
    assert score(at_zero, [np.array([0, 1, 1, 1])], [logits]).value == 1.0
    labels = np.array([[1, 1, 0], [0, 0, 0]])
    assert score(at_zero, [labels], [np.array([[0.2, 3.0, -1.0], [-0.1, -4.0, 0.1]])]).value == pytest.approx(5 / 6)
    assert agreement(logits, -logits, threshold=0.0).same == 0.0
    assert agreement(logits, -logits).same is None


def test_smoothed_labels_count_by_the_nearer_end():
    targets = np.array([0.05, 0.95, 0.95])
    assert score(ACCURACY, [targets], [np.array([0.2, 0.9, 0.1])]).value == 2 / 3


def test_several_labels_at_once_are_held_against_a_half():
    targets = np.array([[1, 1, 0], [0, 0, 0], [1, 1, 1]])
    outputs = np.array([[0.9, 0.8, 0.1], [0.1, 0.2, 0.9], [0.9, 0.9, 0.9]])
    assert score(ACCURACY, [targets], [outputs]).value == pytest.approx(8 / 9)


def test_an_output_that_is_no_number_is_never_right():
    outputs = np.array([[np.nan, 0.0], [1.0, 0.0]])
    assert score(ACCURACY, [np.array([0, 0])], [outputs]).value == 1 / 2


@pytest.mark.parametrize("targets", [np.array([0, 1, 2, 3]), np.array([0, 1, -1, 0]), np.array([0, 1, 1.5, 0])])
def test_a_label_that_names_no_output_is_an_error(targets):
    with pytest.raises(DataError, match="label"):
        score(ACCURACY, [targets], [LOGITS])
