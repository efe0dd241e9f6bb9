"""The sparse encoding of an array: it stands for the same array, and is the smallest of its forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.tflite.sparse import to_dense
from edgekit.tflite.sparsify import BLOCKS, _along, smallest


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from([1, 2, 3, 4, 16, 20]), min_size=1, max_size=4),
    st.floats(0, 1),
    st.sampled_from(["int8", "float16", "float32"]),
    st.integers(0, 100),
)
def test_every_form_stands_for_the_array(shape, zeros, dtype, seed):
    generator = np.random.default_rng(seed)
    array = (generator.integers(-128, 128, shape) * (generator.random(shape) >= zeros)).astype(dtype)
    forms = [_along(array, axis, block) for axis, size in enumerate(shape) for block in BLOCKS if size % block == 0]
    for form in forms:
        np.testing.assert_array_equal(to_dense(form.values, form.sparsity, tuple(shape)), array)
    assert smallest(array).size_bytes == min(form.size_bytes for form in forms)


def test_its_size_is_the_values_and_where_they_are():
    """Ten rows of 100 with five values each: 50 values, 50 places below 256, 11 ends of rows that reach 50."""
    array = np.zeros((10, 100), np.int8)
    array[:, ::20] = 7
    assert _along(array, 1, 1).size_bytes == 50 + 50 + 11
    assert _along(array.astype("float32"), 1, 1).size_bytes == 4 * 50 + 50 + 11
    wide = np.zeros((1, 300), np.int8)
    wide[0, -1] = 7
    assert _along(wide, 1, 1).size_bytes == 1 + 2 + 2, "a place beyond 255 takes two bytes"


def test_rows_run_along_the_dimension_with_the_fewest_bytes():
    array = np.zeros((100, 4), np.int8)
    array[::10] = 7
    found = smallest(array)
    assert found.sparsity.order[-1] == 0 or found.sparsity.blocks == (1,)
    assert found.size_bytes <= 40 + 40 + 5


def test_zeros_in_whole_blocks_are_stored_in_blocks():
    array = np.zeros((8, 64), np.int8)
    array[:, 4:8], array[:, 32:36] = 7, 9
    found = smallest(array)
    assert found.sparsity.blocks == (1,) and found.sparsity.dimensions[-1].size == 4
    assert found.size_bytes == 64 + 16 + 9


@pytest.mark.parametrize("array", [np.zeros((), np.int8), np.zeros((3, 0), np.int8)], ids=["no dimension", "empty"])
def test_what_has_no_rows_has_no_encoding(array):
    assert smallest(array) is None
