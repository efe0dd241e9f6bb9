"""The linear algebra of factors: exact at full rank, nearest at a lower one, and what they keep of the energy."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.techniques.factors import pair, tucker
from edgekit.techniques.factors.choose import by_energy, by_share, made_of
from edgekit.techniques.factors.shape import Factors, full_rank, shape_of

SHAPES = [(1, 1, 20, 12), (1, 1, 12, 20), (3, 3, 8, 16), (5, 1, 6, 40), (1, 7, 9, 4)]


def drawn(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype("float32")


def product(kernels: tuple[np.ndarray, ...]) -> np.ndarray:
    """The kernel that two or three in a row are."""
    if len(kernels) == 2:
        return np.einsum("hxir,ywro->hwio", kernels[0], kernels[1])
    return np.einsum("xyir,hwrs,abso->hwio", *kernels)


def lost(kernel: np.ndarray, kernels: tuple[np.ndarray, ...]) -> float:
    return float(((product(kernels) - kernel) ** 2).sum() / (kernel.astype(np.float64) ** 2).sum())


@pytest.mark.parametrize("shape", SHAPES)
def test_at_full_rank_factors_are_the_kernel(shape):
    kernel = drawn(*shape)
    for factors in (
        Factors("spatial", (full_rank(shape_of(kernel.shape)),)),
        Factors("tucker", kernel.shape[-2:]),
    ):
        made = made_of(kernel, factors)
        np.testing.assert_allclose(product(made.kernels), kernel, atol=1e-10)
        assert made.kept == pytest.approx(1)
        assert [one.shape for one in made.kernels] == [tuple(one) for one in factors.shapes(shape_of(kernel.shape))]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_pair_is_the_nearest_of_its_rank_as_a_decomposition_of_the_whole_tells(shape):
    kernel, rank = drawn(*shape), 3
    made = made_of(kernel, Factors("spatial", (rank,)))
    height, width, given, filters = shape
    matrix = kernel.transpose(0, 2, 1, 3).reshape(height * given, width * filters)
    values = np.linalg.svd(matrix, compute_uv=False)
    assert lost(kernel, made.kernels) == pytest.approx((values[rank:] ** 2).sum() / (values**2).sum(), rel=1e-5)
    assert made.kept == pytest.approx(1 - lost(kernel, made.kernels), abs=1e-6)
    first, second = made.kernels
    assert np.linalg.norm(first) == pytest.approx(np.linalg.norm(second)), "neither is large where the other is small"


def test_three_factors_keep_what_they_say_and_more_than_the_bases_of_each_side_alone():
    kernel = drawn(3, 3, 12, 16)
    made = made_of(kernel, Factors("tucker", (4, 5)))
    assert made.kept == pytest.approx(1 - lost(kernel, made.kernels), abs=1e-9)
    taps = kernel.reshape(9, 12, 16).astype(np.float64)
    given = np.linalg.svd(taps.transpose(1, 0, 2).reshape(12, -1))[0][:, :4]
    filters = np.linalg.svd(taps.transpose(2, 0, 1).reshape(16, -1))[0][:, :5]
    alone = ((given.T @ taps @ filters) ** 2).sum() / (taps**2).sum()
    assert made.kept > alone


@pytest.mark.parametrize("kernel", [np.zeros((1, 1, 16, 16)), np.ones((3, 3, 16, 16)), np.eye(16)[None, None] * 1e-20])
def test_kernels_of_no_energy_or_of_one_direction_have_finite_factors(kernel):
    for factors in (Factors("spatial", (8,)), Factors("tucker", (8, 8))):
        made = made_of(kernel, factors)
        assert all(np.isfinite(one).all() for one in made.kernels)
        assert 0 <= made.kept <= 1 + 1e-9


def test_the_rank_of_an_energy_is_the_smallest_that_keeps_it():
    vectors = np.linalg.qr(drawn(32, 32))[0]
    kernel = (vectors * np.sqrt([8.0, 4, 2, 1, *[0.01] * 28])) @ vectors.T
    found = pair.spectrum(kernel[None, None])
    whole = 15.28
    assert [pair.rank_of(found, energy) for energy in (0.5, 0.8, 0.95)] == [1, 3, 4]
    assert pair.kept(found, 2) == pytest.approx(12 / whole, rel=1e-6)


@pytest.mark.parametrize("energy", [0.5, 0.8, 0.95])
def test_three_factors_keep_at_least_the_energy_that_is_asked_for(energy):
    kernel = drawn(3, 3, 24, 32)
    ranks = tucker.ranks_of(tucker.sides(kernel), energy)
    assert tucker.factors(tucker.sides(kernel), ranks)[1] >= energy


def test_of_two_forms_the_one_with_the_smaller_error_is_taken():
    generator = np.random.default_rng(0)
    separable = np.einsum("hir,wro->hwio", generator.normal(size=(3, 64, 9)), generator.normal(size=(3, 9, 64)))
    narrow = np.einsum("ir,hwrs,so->hwio", *(generator.normal(size=size) for size in ((64, 9), (3, 3, 9, 9), (9, 64))))
    found = {name: by_share(kernel, "best", 0.15) for name, kernel in (("pair", separable), ("three", narrow))}
    assert found["pair"].factors.form == "spatial" and found["pair"].kept == pytest.approx(1)
    assert found["three"].factors.form == "tucker" and found["three"].kept == pytest.approx(1)
    assert by_share(narrow, "spatial", 0.15).kept < 0.95
    assert by_energy(separable, "best", 0.99).factors == Factors("spatial", (9,))
    assert by_energy(narrow, "best", 0.99).factors == Factors("tucker", (9, 9))


def test_a_kernel_whose_directions_all_matter_stays_whole_for_the_energy():
    assert by_energy(np.eye(64, dtype="float32"), "best", 0.9) is None, "0.9 of 64 is above the break-even"
    assert by_energy(np.eye(64, dtype="float32"), "best", 0.3).factors.ranks == (20,)
    assert by_share(drawn(3, 3, 16, 16), "svd", 0.5) is None
