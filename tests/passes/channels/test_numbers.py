"""Whatever numbers the channels hold within their ranges, what is made of them lies within the range that is told."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.passes.channels.curves import Curve
from edgekit.passes.channels.kernels import Kernel, depthwise_sums, sums
from edgekit.passes.channels.numbers import Range, anything, curved, merged, scaled, settled

ENDS = st.sampled_from((-np.inf, -2.0, -0.5, 0.0, 0.5, 2.0, np.inf))
NUMBERS = st.sampled_from((-1.0, -0.25, 0.0, 0.5, 1.0))


def range_of(pairs: list[tuple[float, float]]) -> Range:
    low, high = np.sort(np.array(pairs), axis=1).T
    return Range(np.where(np.isposinf(low), 0.0, low), np.where(np.isneginf(high), 0.0, high))


def held(given: Range, shares: np.ndarray) -> np.ndarray:
    """Numbers within a range, from its low to its high ends; far out where there is none."""
    low, high = np.maximum(given.low, -1e3), np.minimum(given.high, 1e3)
    return np.asarray(low + (high - low) * shares)


def kernel_of(weights: np.ndarray, bias: np.ndarray, *, pads: bool = False) -> Kernel:
    return Kernel(weights, bias, weights.max(axis=0) > 0, weights.min(axis=0) < 0, pads)


def is_within(numbers: np.ndarray, found: Range) -> bool:
    slack = 1e-6 * (1 + np.abs(numbers))
    return bool((numbers >= found.low - slack).all() and (numbers <= found.high + slack).all())


@given(
    st.lists(st.tuples(ENDS, ENDS), min_size=3, max_size=3), st.lists(NUMBERS, min_size=12, max_size=12), st.booleans(),
    st.lists(st.floats(0, 1), min_size=6, max_size=6),
)  # fmt: skip
def test_sums_lie_within_their_range(
    pairs: list[tuple[float, float]], weights: list[float], pads: bool, shares: list[float]
) -> None:
    """Of two taps, the second of which may see padding."""
    given_range, kernel = range_of(pairs), np.array(weights).reshape(2, 3, 2)
    numbers = held(given_range, np.array(shares).reshape(2, 3))
    if pads:
        numbers[1] = 0.0
    bias = np.array([0.5, -0.5])
    found = sums(kernel_of(kernel, bias, pads=pads), given_range)
    assert is_within(np.einsum("ti,tio->o", numbers, kernel) + bias, found)
    bias = np.arange(6.0)
    found = depthwise_sums(kernel_of(kernel, bias, pads=pads), given_range)
    assert is_within(np.einsum("ti,tio->io", numbers, kernel).reshape(-1) + bias, found)


@given(
    st.sampled_from(("Add", "Subtract", "Multiply", "Maximum", "Minimum")),
    st.lists(st.tuples(ENDS, ENDS), min_size=4, max_size=4), st.lists(st.floats(0, 1), min_size=4, max_size=4),
)  # fmt: skip
def test_merges_lie_within_their_range(name: str, pairs: list[tuple[float, float]], shares: list[float]) -> None:
    one, other = range_of(pairs[:2]), range_of(pairs[2:])
    a, b = held(one, np.array(shares[:2])), held(other, np.array(shares[2:]))
    assert is_within(getattr(np, name.lower())(a, b), merged(name, [one, other]))


def test_a_constant_is_what_float32_cannot_tell_from_one() -> None:
    found = settled(np.array([0.5, 0.5, -1e-13, 1.0]), np.array([0.5 + 1e-12, 0.51, 1e-14, np.inf]))
    assert found.is_constant.tolist() == [True, False, True, False]
    assert found.low[2] == 0
    assert not anything(2).is_constant.any()


def test_nothing_times_anything_is_nothing() -> None:
    assert scaled(anything(2), np.array([0.0, -1.0]), 3.0).is_constant.tolist() == [True, False]
    assert merged("Multiply", [Range(np.zeros(1), np.zeros(1)), anything(1)]).is_constant.all()


@pytest.mark.parametrize("is_rising", [True, False])
def test_an_activation_that_bends_tells_nothing_between_its_ends(is_rising: bool) -> None:
    """The square of -1 to 1 is 1 at both ends, and 0 between."""
    given_range = Range(np.array([-1.0, 2.0]), np.array([1.0, 2.0]))
    found = curved(given_range, Curve(np.square, is_rising))
    assert found.is_constant.tolist() == [is_rising, True]
