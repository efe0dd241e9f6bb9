"""What goes into a model and what comes back: rounding, clipping, order, and shapes that do not fit."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.errors import DataError
from edgekit.measure.runtimes.interface import Port
from edgekit.measure.runtimes.samples import Samples, match, order, to_float, to_model

INT8 = Port(index=0, name="x", shape=(1, 4), dtype="int8", scale=0.5, zero_point=-3, free=(True, False))
FLOAT = Port(index=0, name="x", shape=(1, 4), dtype="float32", free=(True, False))


def port(index, shape, free=None, signature=None):
    free = free or tuple(False for _ in shape)
    return Port(index=index, name=f"t{index}", shape=shape, dtype="float32", free=free, signature=signature)


def test_real_values_are_rounded_half_to_even_and_clipped():
    """x / 0.5 - 3, ties to even: 0.25 is 0.5 steps and stays, 0.75 is 1.5 and goes up."""
    made = to_model(np.array([[0.0, 0.25, 0.75, 1.0], [-0.25, 500.0, -500.0, 0.6]]), INT8)
    assert made.dtype == np.int8
    assert made.tolist() == [[-3, -3, -1, -1], [-3, 127, -128, -2]]


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float64, np.float16, bool])
def test_a_float_input_takes_any_dtype_as_it_is(dtype):
    made = to_model(np.array([[0, 1, 1, 0]], dtype), FLOAT)
    assert made.dtype == np.float32 and made.tolist() == [[0.0, 1.0, 1.0, 0.0]]


def test_pixels_are_never_scaled():
    assert to_model(np.array([[255, 0, 1, 2]], np.uint8), FLOAT).tolist() == [[255.0, 0.0, 1.0, 2.0]]


def test_integers_are_real_values_to_a_quantized_input():
    assert to_model(np.array([[1, 2, 3, 4]], np.int8), INT8).tolist() == [[-1, 1, 3, 5]]


def test_an_output_comes_back_as_real_values():
    assert to_float(np.array([[-3, -1, 127, -128]], np.int8), INT8).tolist() == [[0.0, 1.0, 65.0, -62.5]]
    assert to_float(np.array([[7]], np.int32), port(0, (1, 1))).tolist() == [[7.0]]


def test_rows_are_taken_in_their_order():
    data = np.arange(40, dtype=np.float32).reshape(10, 4)
    some = Samples([data], np.array([1, 4, 9]), [FLOAT])
    assert len(some) == 3
    assert some.block(1, 3)[0][:, 0].tolist() == [16.0, 36.0]
    together = Samples([data], np.array([3, 4, 5]), [FLOAT])
    assert together.block(0, 2)[0][:, 0].tolist() == [12.0, 16.0]


def test_a_missing_dimension_of_one_is_given_back():
    images = Samples([np.zeros((5, 8, 8))], np.arange(5), [port(0, (1, 8, 8, 1))])
    assert images.block(0, 2)[0].shape == (2, 8, 8, 1)


def test_free_dimensions_come_from_the_data():
    series = Samples([np.zeros((5, 40, 3))], np.arange(5), [port(0, (1, 1, 3), (True, True, False))])
    assert series.shapes(2) == [(2, 40, 3)]


def test_inputs_are_matched_by_position_then_by_shape():
    ports = [port(0, (1, 4)), port(1, (1, 5))]
    fours, fives = np.zeros((3, 4)), np.zeros((3, 5))
    assert match([fours, fives], ports) == (0, 1)
    assert match([fives, fours], ports) == (1, 0)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [([np.zeros((3, 4))], "number of inputs"), ([np.zeros((3, 4)), np.zeros((3, 6))], "shapes")],
)
def test_data_that_does_not_fit_is_an_error_that_says_both_shapes(arrays, message):
    with pytest.raises(DataError, match=message) as caught:
        match(arrays, [port(0, (1, 4)), port(1, (1, 5))])
    assert caught.value.received and caught.value.allowed


def test_tensors_are_found_by_index_or_by_the_signatures_name():
    ports = [port(7, (1, 4), signature="left"), port(3, (1, 4), signature="right")]
    assert order(ports, None, side="input") == (0, 1)
    assert order(ports, [3, 7], side="input") == (1, 0)
    assert order(ports, ["right", "left"], side="input") == (1, 0)
    with pytest.raises(DataError, match="inputs"):
        order(ports, ["right", "middle"], side="input")
