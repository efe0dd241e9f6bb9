"""Which samples become a firmware's test vector: the telling ones, with answers that differ."""

from __future__ import annotations

import numpy as np

from edgekit.measure.runtimes.vectors import _chosen


def answers(*rows: list[int]) -> list[list[np.ndarray]]:
    return [[np.array(row, np.int8)] for row in rows]


def test_answers_without_a_doubt_are_passed_over():
    """All at the ends of the range: a wrong weight changes nothing of it."""
    sure, other = [127, -128, -128, -128], [-128, 127, -128, -128]
    torn, weighed = [-128, 60, -70, -118], [90, -20, -128, -128]
    assert _chosen(answers(sure, other, torn, weighed)) == [2, 3]
    assert _chosen(answers(sure, other)) == [0, 1]


def test_another_decision_comes_before_a_more_telling_answer_with_the_same_one():
    assert _chosen(answers([1, 9, 3, 4], [2, 9, 4, 5], [9, 1, 1, 1])) == [0, 2]
    assert _chosen(answers([1, 9, 3, 4], [1, 9, 3, 4], [2, 9, 2, 2])) == [0, 2], "then other values"


def test_answers_that_are_all_the_same_are_one_sample():
    assert _chosen(answers([5, 5], [5, 5], [5, 5])) == [0]
    assert _chosen(answers([7])) == [0]
