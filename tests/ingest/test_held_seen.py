"""Values that data have for held inputs: compared sample by sample, by the width of the number."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.ingest.held_seen import HeldInData


@pytest.mark.parametrize(
    ("held", "array", "other", "differ"),
    [
        (16000, np.array([16000, 16000]), None, 0),
        (16000, np.array([16000, 8000, 8001]), "8000", 2),
        (16000, np.array([16000.0, 16000.5]), "16000.5", 1),
        (1_000_000, np.array([1_000_001]), "1000001", 1),
        (0.1, np.array([0.1, 0.1], np.float32), None, 0),
        (0.1, np.array([0.1, np.nan], np.float32), "nan", 1),
        (16000, np.array([16000, np.nan, np.inf]), "nan", 2),
        (True, np.array([1.0, -np.inf]), "-inf", 1),
        (0, np.zeros((4, 1)), None, 0),
        (True, np.array([1, 0, 0]), "false", 2),
        ([[1, 0]], np.array([[1, 0], [1, 1]]), "[1, 1]", 1),
        ([1, 0, 1], np.array([[1, 0]]), "[1, 0]", 1),
        (1, np.array(["a", "b"]), None, 0),
        (1, np.zeros((0,)), None, 0),
    ],
)  # fmt: skip
def test_a_value_that_differs_is_told_with_how_many_do(held, array, other, differ):
    seen = HeldInData({"sr": held})
    seen.add("sr", "train", array)
    assert [(one.other, one.differ) for one in seen.found()] == ([] if other is None else [(other, differ)])


def test_parts_of_one_array_are_one_and_unknown_names_none():
    seen = HeldInData({"sr": 2, "on": True})
    for array in (np.array([2, 2]), np.array([3, 2]), np.array([4])):
        seen.add("sr", "train", array)
    seen.add("sr", "test", np.array([2]))
    seen.add("audio", "train", np.array([1]))
    (one,) = seen.found()
    assert (one.name, one.where, one.held, one.other, one.differ, one.count) == ("sr", "train", "2", "3", 2, 5)
