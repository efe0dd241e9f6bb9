"""Which kernels of a file hold a matrix: the nearest, as many as it takes, and none where one of its rows is in no kernel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit.techniques.by_numbers import Stored, parts_of, stored_matrices
from edgekit.tflite.reader import read_tflite

GOLDEN = Path(__file__).parent.parent / "golden" / "recurrent_loop.tflite"


@pytest.fixture
def two() -> tuple[Stored, Stored]:
    """Two kernels of one width, of 8 and 4 rows, with random numbers."""
    generator, (one, other, *_) = np.random.default_rng(0), stored_matrices(read_tflite(GOLDEN))
    return one._replace(numbers=generator.normal(size=(8, 5))), other._replace(numbers=generator.normal(size=(4, 5)))


def test_a_kernel_that_lies_in_two_is_found_in_either_order(two):
    one, other = two
    assert parts_of(np.concatenate([one.numbers, other.numbers]), two) == (one.kernel, other.kernel)
    assert parts_of(np.concatenate([other.numbers, one.numbers]), two) == (other.kernel, one.kernel)


def test_rounded_numbers_are_near_enough_and_others_are_not(two):
    one, _ = two
    steps = abs(one.numbers).max() / 7
    assert parts_of(np.rint(one.numbers / steps) * steps, two) == (one.kernel,), "rounded to 4 bits"
    assert parts_of(-one.numbers, two) == parts_of(one.numbers[::-1], two) == ()
    assert parts_of(np.concatenate([one.numbers, one.numbers + 1]), two) == (), "half of it is nowhere"
    assert parts_of(one.numbers[:, :4], two) == (), "another width"


def test_of_two_that_are_near_the_nearer_is_taken(two):
    one, other = two
    near = other._replace(numbers=one.numbers * 1.1)
    assert parts_of(one.numbers, [near, one]) == (one.kernel,)
    assert parts_of(one.numbers * 1.09, [one, near]) == (near.kernel,)


def test_zeros_are_only_where_zeros_are(two):
    one, other = two
    empty = other._replace(numbers=np.zeros((8, 5)))
    assert parts_of(np.zeros((8, 5)), [one, empty]) == (empty.kernel,)
    assert parts_of(np.zeros((8, 5)), [one]) == () and parts_of(one.numbers, [empty]) == ()


def test_a_matrix_is_found_where_a_sparse_kernel_made_its_operator_a_convolution():
    plain, sparse = (
        stored_matrices(read_tflite(GOLDEN.with_name(f"{name}_int8.tflite"))) for name in ("pruned", "sparse")
    )
    (found,) = parts_of(plain[0].numbers, sparse)
    assert found.operator.name == "CONV_2D" and found.array.shape == (8, 1, 1, 144)


def test_the_kernels_of_a_file_are_read_with_their_scales():
    """Those of a loop's body too."""
    found = stored_matrices(read_tflite(GOLDEN))
    assert all(one.numbers.shape == one.kernel.array.shape and one.numbers.dtype == np.float64 for one in found)
    assert all(parts_of(one.numbers, found) == (one.kernel,) for one in found)
