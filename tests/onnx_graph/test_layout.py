"""Where the numbers of an ONNX tensor stand in a Keras tensor, held against NumPy's own reshapes and transposes."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edgekit.onnx_graph.layout import (
    CHANNELS_LAST,
    axis_order,
    common_parts,
    flat,
    fresh,
    moved_array,
    plain_order,
    reshaped,
    runs,
    sizes,
    to_onnx,
    transposed,
)

SHAPES = (
    (1, 6, 4, 5),
    (1, 2, 3, 20),
    (1, 120),
    (1, 24, 5),
    (1, 6, 20),
    (1, 3, 2, 4, 5),
    (1, 1, 120),
    (1, 12, 10),
    (120,),
)


def batch_of(array: np.ndarray, order: tuple[int, ...]) -> np.ndarray:
    """The Keras batch that has an ONNX tensor of one sample."""
    kept = np.transpose(array, (*(axis for axis in range(array.ndim) if axis not in order), *order))
    return kept.reshape(1, *(array.shape[axis] for axis in order))


@given(st.lists(st.one_of(st.sampled_from(SHAPES), st.randoms(use_true_random=False)), max_size=6))
def test_naming_axes_anew_is_what_numpy_does(steps):
    array = np.arange(120.0).reshape(1, 6, 4, 5)
    batch, laid = batch_of(array, CHANNELS_LAST), fresh(None, array.shape, CHANNELS_LAST)
    for step in steps:
        if isinstance(step, tuple):
            found = reshaped(laid, step)
            if found is None:
                continue
            laid, array = found, array.reshape(step)
        else:
            order = list(range(array.ndim))
            step.shuffle(order)
            laid, array = transposed(laid, order), array.transpose(order)
        assert laid.shape == array.shape
        assert np.array_equal(to_onnx(laid, batch), array)


def test_sizes_that_do_not_divide_each_other_cannot_be_named_anew():
    laid = fresh(None, (1, 6, 4), (1, 2))
    assert reshaped(laid, (1, 4, 6)) is None
    assert reshaped(laid, (1, 2, 12)).shape == (1, 2, 12)


def test_channels_come_last_where_sizes_of_one_leave_a_choice():
    assert axis_order(fresh(None, (1, 7, 1, 1), CHANNELS_LAST)) == CHANNELS_LAST
    assert axis_order(fresh(None, (1, 7, 4, 4), plain_order((1, 7, 4, 4)))) == (1, 2, 3)
    assert axis_order(fresh(None, (3, 7), (0, 1))) == (0, 1)


def test_rows_of_a_matrix_get_the_order_of_the_numbers():
    array = np.arange(24.0).reshape(1, 2, 3, 4)
    laid = reshaped(fresh(None, array.shape, CHANNELS_LAST), (1, 24))
    kernel = np.random.default_rng(0).standard_normal((24, 5))
    moved = moved_array(kernel, 0, laid.onnx[1], flat(laid.keras))
    assert np.allclose(batch_of(array, CHANNELS_LAST).reshape(-1) @ moved, array.reshape(-1) @ kernel)
    assert not np.array_equal(moved, kernel)


def test_pieces_that_move_together_stay_together():
    laid = reshaped(fresh(None, (1, 6, 4, 5), CHANNELS_LAST), (1, 6, 20))
    assert [sizes((piece,))[0] for piece in runs(flat(laid.keras), flat(laid.onnx))] == [20, 6]


def test_common_parts_refine_both():
    for one, other in (((12,), (3, 4)), ((6, 4), (3, 8)), ((2, 12), (8, 3))):
        parts = common_parts(one, other)
        assert parts is not None and np.prod(parts) == np.prod(one)
    assert common_parts((4, 6), (6, 4)) is None
