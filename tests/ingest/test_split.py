"""Splits and calibration rows: stratified, seeded, and nothing lost or taken twice."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.errors import DataError
from edgekit.ingest.split import class_numbers, split_rows, stratified_rows

labels = st.lists(st.integers(0, 4), min_size=3, max_size=200).map(np.array)


def test_what_targets_are_classes():
    assert class_numbers(np.array([0, 2, 1])).tolist() == [0, 2, 1]
    assert class_numbers(np.array([[0], [2]])).tolist() == [0, 2]
    assert class_numbers(np.array([True, False])).tolist() == [1, 0]
    assert class_numbers(np.eye(3, dtype=np.float32)[[2, 0]]).tolist() == [2, 0]
    for targets in (np.array([0.5, 1.0]), np.array([[1, 1], [0, 1]]), np.zeros((2, 3)), np.zeros((2, 3, 3), int)):
        assert class_numbers(targets) is None


def test_one_hot_targets_are_read_in_parts(monkeypatch):
    monkeypatch.setattr("edgekit.ingest.arrays.SCAN_ROWS_BYTES", 3 * 5 * 4)  # three rows at a time
    numbers = np.arange(20) % 5
    one_hot = np.eye(5, dtype=np.float32)[numbers]
    assert class_numbers(one_hot).tolist() == numbers.tolist()
    one_hot[19] = 0.2
    assert class_numbers(one_hot) is None


class Unread(np.ndarray):
    """An array whose values must not be asked for."""

    def __getitem__(self, key):
        raise AssertionError("all targets were loaded")


def test_calibration_rows_of_images_as_targets_read_none_of_them():
    masks = np.zeros((50, 4, 4, 1), np.int64).view(Unread)
    assert len(stratified_rows(masks, np.arange(50), 10, 0)) == 10


@given(labels, st.floats(0.05, 0.9), st.integers(0, 2**32 - 1))
def test_a_split_is_a_partition_in_the_classes_proportions(targets, fraction, seed):
    counts = np.bincount(targets)
    if counts.max() == 1:
        return
    training, validation = split_rows(targets, fraction, seed)
    assert sorted([*training, *validation]) == list(range(len(targets)))
    assert (np.diff(training) > 0).all() and (np.diff(validation) > 0).all()
    held = np.bincount(targets[validation], minlength=len(counts))
    assert (held < np.maximum(counts, 1)).all(), "every class stays in training"
    assert (np.abs(held - counts * fraction) <= 1).all()
    again = split_rows(targets, fraction, seed)
    assert again[0].tolist() == training.tolist() and again[1].tolist() == validation.tolist()


def test_another_seed_gives_another_split():
    targets = np.arange(100) % 4
    assert split_rows(targets, 0.2, 0)[1].tolist() != split_rows(targets, 0.2, 1)[1].tolist()


def test_targets_without_classes_are_split_too():
    training, validation = split_rows(np.linspace(0, 1, 50), 0.2, 0)
    assert (len(training), len(validation)) == (40, 10)


def test_too_few_samples():
    with pytest.raises(DataError, match="too few training samples"):
        split_rows(np.array([0.5]), 0.2, 0)


@given(labels, st.integers(1, 250), st.integers(0, 100))
def test_calibration_rows_are_of_the_rows_given_and_stratified(targets, count, seed):
    rows = np.flatnonzero(np.arange(len(targets)) % 3 != 1)
    picked = stratified_rows(targets, rows, count, seed)
    assert len(picked) == min(count, len(rows)) == len(set(picked.tolist()))
    assert set(picked.tolist()) <= set(rows.tolist()) and (np.diff(picked) > 0).all()
    of_all = np.bincount(targets[rows], minlength=5)
    of_picked = np.bincount(targets[picked], minlength=5)
    if count >= (of_all > 0).sum():
        assert ((of_picked > 0) == (of_all > 0)).all(), "each class at least once"
    if count >= 20:
        assert (np.abs(of_picked - of_all * len(picked) / len(rows)) <= 3).all()
    assert stratified_rows(targets, rows, count, seed).tolist() == picked.tolist()


def test_calibration_rows_of_a_rare_class():
    targets = np.r_[np.zeros(999, int), 1]
    assert targets[stratified_rows(targets, np.arange(1000), 20, 0)].sum() == 1


@pytest.mark.parametrize("targets", [np.arange(500) * 7 - 300, np.arange(500) // 3], ids=["no value twice", "few"])
def test_whole_numbers_that_hardly_repeat_are_split_as_any_others(targets):
    training, validation = split_rows(targets, 0.2, 0)
    assert (len(training), len(validation)) == (400, 100)
