"""A value too many is merged with its neighbour; what is no rounding that went astray is left alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.techniques import technique
from edgekit.techniques.merging import MOST_MOVED, merged
from edgekit.techniques.sites import file_kernels
from edgekit.tflite.patched import patched
from edgekit.tflite.reader import parse_tflite

CLUSTERED = (Path(__file__).parent.parent / "golden" / "clustered_int8.tflite").read_bytes()
CLUSTERING = technique("clustering")
FOUR = CLUSTERING.settings_type(clusters=4)


def astray(steps: int, weights: int = 1) -> bytes:
    """The clustered file, whose kernels have four values in each channel, with weights of the large one moved by so many steps."""
    model = parse_tflite(CLUSTERED, where="golden")
    (kernel,) = file_kernels(model)
    array = kernel.array.copy()
    inner = np.argwhere((abs(array) < 100) & (array != 0))[:weights]
    for place in inner:
        array[tuple(place)] += steps
    return patched(CLUSTERED, model, {kernel.index: array})


def test_a_value_too_many_in_a_file_is_mended_and_nothing_else():
    content = astray(1)
    model = parse_tflite(content, where="astray")
    assert not CLUSTERING.ensures(model, FOUR).holds
    made = patched(content, model, CLUSTERING.mend_file(model, FOUR))
    assert CLUSTERING.ensures(parse_tflite(made, where="mended"), FOUR).holds
    assert made == CLUSTERED, "each weight went back to where it was"


def test_what_is_as_it_should_be_is_left_alone():
    assert CLUSTERING.mend_file(parse_tflite(CLUSTERED, where="golden"), FOUR) == {}


@pytest.mark.parametrize("clusters", [2, 3])
def test_a_file_that_was_never_clustered_so_is_not_made_to_look_it(clusters):
    model = parse_tflite(CLUSTERED, where="golden")
    assert CLUSTERING.mend_file(model, CLUSTERING.settings_type(clusters=clusters)) == {}
    far = parse_tflite(astray(20), where="astray")
    assert CLUSTERING.mend_file(far, FOUR) == {}, "twenty steps are no rounding"


@given(st.lists(st.integers(-127, 127), min_size=1, max_size=200), st.integers(1, 40))
def test_what_is_merged_has_few_values_and_moved_little(values, most):
    array = np.array(values, np.int8)
    found = merged(array, most)
    if found is None:
        assert len(np.unique(array)) > most
        return
    assert len(np.unique(found)) <= most and found.dtype == array.dtype and found.shape == array.shape
    assert abs(found.astype(int) - array).max() <= MOST_MOVED
    assert ((array == 0) <= (found == 0)).all(), "zeros stay zeros"
    assert abs(found.astype(int)).max() == abs(array.astype(int)).max(), "no scale changes"


def test_other_bytes_than_a_tensor_has_are_refused():
    model = parse_tflite(CLUSTERED, where="golden")
    (kernel,) = file_kernels(model)
    with pytest.raises(ValueError, match=f"tensor {kernel.index} has"):
        patched(CLUSTERED, model, {kernel.index: kernel.array[:1]})
