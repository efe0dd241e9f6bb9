"""Which weights stay: the share asked for, the largest first, in the pattern asked for."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.techniques import masks

kernels = st.integers(0, 1000).map(
    lambda seed: [
        np.random.default_rng(seed).normal(size=shape) * scale for shape, scale in (((4, 30), 1), ((9, 7), 50))
    ]
)


@settings(max_examples=50, deadline=None)
@given(kernels, st.floats(0, 1))
def test_each_kernel_has_its_share_and_no_weight_that_stays_is_smaller(found, sparsity):
    for kernel, mask in zip(found, masks.of_each(found, sparsity), strict=True):
        assert (~mask).sum() == round(sparsity * kernel.size)
        assert abs(kernel[mask]).min(initial=np.inf) >= abs(kernel[~mask]).max(initial=0)


@settings(max_examples=50, deadline=None)
@given(kernels, st.floats(0, 0.95))
def test_one_threshold_for_all_meets_the_share_of_all_and_empties_no_kernel(found, sparsity):
    made = masks.of_all(found, sparsity)
    assert sum((~mask).sum() for mask in made) == round(sparsity * sum(kernel.size for kernel in found))
    assert all(mask.any() for mask in made)
    for kernel, mask in zip(found, made, strict=True):
        assert abs(kernel[mask]).min(initial=np.inf) >= abs(kernel[~mask]).max(initial=0)


def test_the_scale_of_a_kernel_does_not_count_in_one_threshold_for_all():
    kernel = np.random.default_rng(0).normal(size=(4, 30))
    first, second = masks.of_all([kernel, kernel * 1000], 0.5)
    assert (first == second).mean() > 0.95


@settings(max_examples=50, deadline=None)
@given(kernels)
def test_two_of_four(found):
    for kernel, mask in zip(found, masks.two_of_four(found), strict=True):
        whole = kernel.shape[1] // 4 * 4
        assert (mask[:, :whole].reshape(-1, 4).sum(axis=1) == 2).all() and mask[:, whole:].all()
        assert masks.broken_groups(kernel * mask) == 0 < masks.broken_groups(kernel)


def test_two_of_four_keeps_the_larger_two():
    assert masks.two_of_four([np.array([[1.0, -4.0, 3.0, 2.0, 9.0]])])[0].tolist() == [[False, True, True, False, True]]


def test_blocks_go_as_a_whole():
    kernel = np.array([[1.0, 1, 1, 1, 9, 0, 0, 0, 5, 5]])
    (mask,) = masks.of_each([kernel], 0.4, block=4)
    assert mask.tolist() == [[False] * 4 + [True] * 6]
    assert masks.zeros_in_blocks(kernel * mask, 4) == 4
    assert masks.zeros_in_blocks(np.array([[0.0, 0, 0, 0, 1, 0, 0, 0, 0, 0]]), 4) == 4 + 2


@settings(max_examples=50, deadline=None)
@given(kernels, st.floats(0, 0.95), st.integers(2, 40), st.booleans())
def test_no_block_is_cut_and_the_share_is_met(found, sparsity, block, together):
    """Rows of 30 and of 7 weights: blocks that do not divide them, and blocks wider than they are."""
    made = (masks.of_all if together else masks.of_each)(found, sparsity, block)
    for kernel, mask in zip(found, made, strict=True):
        assert masks.zeros_in_blocks(mask, block) == (~mask).sum() and mask.any()
        last = mask.any(axis=1).sum() == 1 and mask.sum() <= block
        assert together or last or (~mask).sum() >= round(sparsity * kernel.size)
