"""What targets say, counted by hand, and read in blocks as in one piece."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.ingest.targets import facts_of


def facts(targets):
    return facts_of(targets, np.arange(len(targets)))


def test_integers_are_counted():
    found = facts(np.array([0, 2, 2, 5]))
    assert (found.low, found.high, found.whole, found.distinct, found.rows) == (0, 5, True, 3, None)
    assert found.counts == (1, 0, 2, 0, 0, 1) and found.columns == ()
    assert facts(np.array([-1, 1])).counts == () and facts(np.array([0, 10**12])).counts == ()


@pytest.mark.parametrize(
    ("rows", "kind"),
    [
        ([[1, 0], [0, 1]], "one-hot"),
        ([[0.25, 0.75], [0, 1]], "distribution"),
        ([[1, 1], [0, 1]], "other"),
        ([[2, -1], [0, 1]], "other"),
    ],
)
def test_rows(rows, kind):
    assert facts(np.array(rows, "float32")).rows == kind


def test_rows_of_zeros_and_ones_are_counted_by_column():
    assert facts(np.array([[1.0, 1], [0, 1], [0, 0]])).columns == (1, 2)
    assert facts(np.array([[1.0, 1], [0, 2]])).columns == ()
    assert facts(np.array([[1, 0], [1, 0]])).columns == (2, 0)


def test_blocks_give_what_one_piece_gives(monkeypatch):
    generator = np.random.default_rng(0)
    for targets in (
        generator.integers(0, 9, 100),
        np.eye(5)[generator.integers(0, 5, 100)],
        generator.random((100, 3)),
    ):
        whole = facts(targets)
        monkeypatch.setattr("edgekit.ingest.targets.SCAN_ROWS_BYTES", 7 * targets[:1].nbytes)
        assert facts(targets) == whole
        monkeypatch.undo()


def test_only_its_own_rows_count():
    found = facts_of(np.array([0, 1, 2, 9]), np.array([1, 2]))
    assert (found.low, found.high, found.samples, found.counts) == (1, 2, 2, (0, 1, 1))
