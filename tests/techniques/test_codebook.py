"""A kernel as few values on the grid of int8: optimal codes, kept while the weights move, exact in the end."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.techniques.codebook import GRID, Codebook, _segments


def weights(rows: int = 6, columns: int = 50, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return generator.normal(size=(rows, columns)) * generator.uniform(0.1, 10, size=(rows, 1))


def int8(matrix: np.ndarray) -> np.ndarray:
    """As the converter rounds: a scale a row, the largest magnitude over 127."""
    largest = abs(matrix).max(axis=1, keepdims=True)
    return np.rint(matrix.astype(np.float32) / np.where(largest > 0, largest, 1) * GRID)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 1000), clusters=st.integers(2, 64), share=st.sampled_from([0.0, 0.5, 0.9]))
def test_a_settled_kernel_has_so_many_bytes_and_loses_nothing_in_int8(seed, clusters, share):
    matrix = weights(seed=seed)
    matrix[np.random.default_rng(seed).random(matrix.shape) < share] = 0
    settled = Codebook(matrix, clusters).settle(matrix)
    found = int8(settled)
    assert len(np.unique(found)) <= clusters
    of_two = np.where(matrix < 0, -1, 1)  # neither is zero
    assert (np.sign(settled) == (np.sign(matrix) if clusters > 2 else of_two)).all()
    scales = abs(settled).max(axis=1, keepdims=True) / GRID
    assert np.allclose(found * scales, settled, rtol=1e-6, atol=0)


def test_which_weights_share_a_code_does_not_change_while_they_move():
    matrix = weights()
    book = Codebook(matrix, 8)
    first = book.settle(matrix)
    moved = book.settle(
        book.project(first + np.random.default_rng(1).normal(size=first.shape) * 0.02 * abs(first).max())
    )
    assert not np.allclose(first, moved)
    for row_before, row_after in zip(int8(first), int8(moved), strict=True):
        for code in np.unique(row_before):
            assert len(np.unique(row_after[row_before == code])) == 1
    assert len(np.unique(int8(moved))) <= 8


def test_a_channel_that_training_switches_off_keeps_its_codes():
    matrix = weights()
    book = Codebook(matrix, 16)
    for target in (-matrix, np.zeros_like(matrix), matrix * 1e-30):
        settled = book.settle(book.project(target)).astype(np.float32)
        assert settled.all() and len(np.unique(int8(settled))) <= 16


def test_a_clustered_kernel_is_its_own_codebook():
    settled = Codebook(weights(), 16).settle(weights())
    assert np.allclose(Codebook(settled, 16).settle(settled), settled, rtol=1e-6)


def test_the_codes_follow_the_mean_of_their_weights():
    matrix = np.array([[1.0, 0.5, 0.5, -0.5]])
    book = Codebook(matrix, 4)
    moved = book.project(np.array([[1.0, 0.6, 0.4, -0.8]]))
    assert len(np.unique(abs(moved))) == 2 and np.sign(moved).tolist() == [[1, 1, 1, -1]]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, GRID), min_size=3, max_size=9), st.integers(1, 4))
def test_the_cut_is_the_best_of_all(values, codes):
    counts = np.bincount([*values, GRID], minlength=GRID + 1)
    there = np.flatnonzero(counts)

    def cost(starts):
        edges = [*starts, GRID + 1]
        total = 0.0
        for low, high in itertools.pairwise(edges):
            run = np.arange(low, high)
            many = counts[low:high]
            code = GRID if high == GRID + 1 and codes > 1 else (run * many).sum() / many.sum()
            total += (many * (run - code) ** 2).sum()
        return total

    found = _segments(counts, codes)
    if len(there) <= codes:
        assert found.tolist() == there.tolist()
        return
    best = min(cost([there[0], *rest]) for rest in itertools.combinations(there[1:], codes - 1))
    assert cost(found) == pytest.approx(best) and len(found) == codes


@pytest.mark.parametrize("matrix", [np.zeros((3, 8)), np.ones((3, 8)), np.full((1, 4), -2.0)])
def test_kernels_with_nothing_to_cluster(matrix):
    assert np.allclose(Codebook(matrix, 16).settle(matrix), matrix)
