"""A bit a weight and the values that are not zero: encoded, decoded, and what does not fit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.tflite.coding.header import HEAD_BYTES
from edgekit.tflite.coding.kinds import decoded, read_coding
from edgekit.tflite.coding.lookup import in_tables
from edgekit.tflite.coding.pruned import Pruned, without_zeros

SHAPES = st.lists(st.integers(1, 6), min_size=1, max_size=4).map(tuple)


def drawn(shape: tuple[int, ...], seed: int, values: list[int]) -> np.ndarray:
    return np.random.default_rng(seed).choice(np.array(values, np.int8), shape)


@settings(max_examples=80, deadline=None)
@given(SHAPES, st.integers(0, 99), st.sampled_from([0, 3, -128]))
def test_encoded_then_decoded_is_the_tensor(shape, seed, zero):
    array = drawn(shape, seed, [zero, zero, 5, -7])
    made = without_zeros(array, zero)
    assert len(made.stream) == -(-array.size // 8) and len(made.ancillary) == HEAD_BYTES + int((array != zero).sum())
    coding = read_coding(made.ancillary, made.stream, shape, 1, (zero,) * 3)
    assert isinstance(coding, Pruned)
    back = decoded(coding, np.frombuffer(made.stream, np.uint8), shape)
    np.testing.assert_array_equal(back.view(np.int8).reshape(shape), array)


@settings(max_examples=80, deadline=None)
@given(SHAPES, st.integers(0, 99), st.booleans(), st.data())
def test_in_tables_then_looked_up_is_the_tensor(shape, seed, several, data):
    array = drawn(shape, seed, data.draw(st.lists(st.integers(-128, 127), min_size=1, max_size=9)))
    axis = data.draw(st.sampled_from([0, len(shape) - 1])) if several else None
    made = in_tables(array, axis)
    coding = read_coding(made.ancillary, made.stream, shape, 1, ())
    back = decoded(coding, np.frombuffer(made.stream, np.uint8), shape)
    np.testing.assert_array_equal(back.view(np.int8).reshape(shape), array)


def test_too_many_values_have_no_table():
    assert in_tables(np.arange(-100, 100, dtype=np.int8), None) is None
    assert in_tables(np.zeros((2, 3, 4), np.int8), 1) is None, "the decoder knows the first and the last axis"


@pytest.mark.parametrize(
    "change",
    [
        lambda pair: (pair[0] + b"\0", pair[1]),
        lambda pair: (pair[0], pair[1][:-1]),
        lambda pair: (pair[0], pair[1] + b"\1"),
    ],
    ids=["a longer stream", "a value too few", "a value too many"],
)
def test_what_does_not_fit_is_no_pruned_tensor(change):
    made = without_zeros(drawn((5, 5), 1, [0, 4]))
    stream, ancillary = change((made.stream, made.ancillary))
    assert read_coding(made.ancillary, made.stream, (5, 5), 1, (0,)) is not None
    assert read_coding(ancillary, stream, (5, 5), 1, (0,)) is None


@pytest.mark.parametrize("zero_points", [(0, 1), (300,), (-(2**40),)])
def test_zero_points_that_it_cannot_fill_in_are_not_read(zero_points):
    made = without_zeros(drawn((5, 5), 1, [0, 4]))
    assert read_coding(made.ancillary, made.stream, (5, 5), 1, zero_points) is None


def test_bits_behind_the_last_weight_say_nothing():
    made = without_zeros(np.array([0, 7, 0], np.int8))
    assert read_coding(made.ancillary, bytes([made.stream[0] | 0x1F]), (3,), 1, (0,)) == Pruned(
        values=b"\7", item_bytes=1
    )
