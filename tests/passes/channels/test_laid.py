"""What is said of where channels lie is what NumPy does with numbers that are channels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.passes.channels.laid import Atom, Laid, plain


def told(laid: Laid) -> np.ndarray:
    """The channel of every number of a value that lies so."""
    atoms = [atom for axis in laid.axes for atom in axis]
    own = np.arange(laid.channels).reshape([atom.size if atom.is_channels else 1 for atom in atoms])
    shape = [math.prod(atom.size for atom in axis) for axis in laid.axes]
    return np.broadcast_to(own, [atom.size for atom in atoms]).reshape(shape)


HEADS = st.tuples(st.integers(1, 3), st.integers(2, 4), st.integers(2, 5))


@given(HEADS, st.permutations(range(3)), st.data())
def test_heads_are_followed_wherever_the_places_go(sizes: Any, order: Any, data: Any) -> None:
    """A sequence parted in heads and transposed, in the numbers of the channels; heads that come behind what is in them are not followed."""
    places, number, size = sizes
    whole = plain((places, number * size))
    parted = whole.reshaped((places, number, size))
    assert (
        parted is not None
        and parted.sections == number
        and np.array_equal(told(parted), told(whole).reshape(places, number, size))
    )
    moved = parted.transposed(order)
    assert (moved is None) == (order.index(2) < order.index(1))
    if moved is not None:
        assert np.array_equal(told(moved), told(parted).transpose(order))
        flat = moved.reshaped((places * number * size,))
        assert flat is not None and np.array_equal(flat.along_last, told(moved).reshape(-1))
        fewer = data.draw(st.integers(1, size))
        expected = [[places, number, fewer][axis] for axis in order]
        assert list(moved.of(number * fewer)) == expected


def test_atoms_of_one_axis_may_be_of_both() -> None:
    """Queries that share a key are places of one matrix; back in heads, they are channels again."""
    heads = plain((10, 24)).reshaped((10, 6, 4))
    assert heads is not None
    turned = heads.transposed((1, 0, 2))
    assert turned is not None
    grouped = turned.reshaped((2, 30, 4))
    assert grouped == Laid(((Atom(2, True),), (Atom(3, True), Atom(10, False)), (Atom(4, True),)))
    assert grouped.of(18) == (2, 30, 3) and grouped.last_axes == 3 and not grouped.is_last
    assert grouped.reshaped((6, 10, 4)) == Laid(((Atom(2, True), Atom(3, True)), (Atom(10, False),), (Atom(4, True),)))
    assert turned.reshaped((4, 15, 4)) is None, "four rows are no factor of six heads"


def test_a_cut_of_heads_says_which_channels_it_takes() -> None:
    parted = plain((5, 24)).reshaped((5, 3, 2, 4))
    assert parted is not None
    found = parted.cut([slice(None), 1, slice(None), slice(None)])
    assert found is not None
    laid, which = found
    assert laid.parts == [2, 4] and which.tolist() == list(range(8, 16))
    places = parted.cut([slice(0, 2), slice(None), slice(None), slice(0, 4)])
    assert places is not None and places[0].axes[0] == (Atom(2, False),) and places[1].size == 24
    assert parted.cut([slice(None), slice(None), slice(None), slice(0, 2)]) is None, "what narrows is not cut"
    assert parted.cut([slice(0, 5, 2), slice(None), slice(None), slice(None)]) is None


@pytest.mark.parametrize("shape", [(7, 32), (16, 31), (3, 5, 33)])
def test_a_shape_of_other_numbers_is_none(shape: tuple[int, ...]) -> None:
    assert plain((16, 32)).reshaped(shape) is None
