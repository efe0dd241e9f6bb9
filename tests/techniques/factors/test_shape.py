"""The sizes of factors: the largest rank of a share, and the break-even in bytes of an int8 file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.techniques.factors.choose import planned
from edgekit.techniques.factors.shape import (
    LEAST_RANK,
    Factors,
    Shape,
    break_even,
    forms,
    full_rank,
    of_share,
    pays,
    shape_of,
)

SIZES = st.builds(Shape, st.integers(1, 7), st.integers(1, 7), st.integers(1, 300), st.integers(1, 300))
SHARES = st.floats(0.05, 0.95)


def test_the_weights_of_factors_are_those_of_their_kernels():
    whole = Shape(3, 3, 64, 128)
    assert whole.weights == 3 * 3 * 64 * 128
    assert Factors("spatial", (16,)).weights(whole) == 3 * 64 * 16 + 3 * 16 * 128
    assert Factors("tucker", (16, 32)).weights(whole) == 64 * 16 + 3 * 3 * 16 * 32 + 32 * 128
    assert Factors("svd", (16,)).weights(Shape(1, 1, 640, 128)) == 16 * (640 + 128)


def test_a_kernel_along_one_axis_is_one_of_width_1():
    assert shape_of((5, 16, 32)) == Shape(5, 1, 16, 32)
    assert [one.weights for one in Factors("spatial", (8,)).shapes(Shape(5, 1, 16, 32))] == [5 * 16 * 8, 8 * 32]


@given(SIZES, SHARES)
def test_the_rank_of_a_share_is_the_largest_that_has_it(whole, share):
    found = of_share(whole, "spatial", share)
    rank = found.ranks[0] if found else 0
    row = whole.height * whole.given + whole.width * whole.made
    assert rank * row <= share * whole.weights and rank <= full_rank(whole)
    assert (rank + 1) * row > share * whole.weights - 1e-6 * row or rank == full_rank(whole)


@given(SIZES, SHARES)
def test_the_ranks_of_tucker_have_no_more_than_their_share_and_follow_the_channels(whole, share):
    found = of_share(whole, "tucker", share)
    if found is None:
        return
    first, last = found.ranks
    assert found.weights(whole) <= share * whole.weights
    assert abs(first / whole.given - last / whole.made) <= max(1 / whole.given, 1 / whole.made)


@given(SIZES)
def test_at_the_break_even_a_pair_is_smaller_in_an_int8_file_and_a_rank_above_it_no_more(whole):
    """A rank takes a byte a weight and 9 for its scale, the second operator 200."""
    rank = break_even(whole)
    row = whole.height * whole.given + whole.width * whole.made
    assert rank == 0 or rank * (row + 9) + 200 < whole.weights
    assert (rank + 1) * (row + 9) + 200 >= whole.weights


@given(SIZES, st.sampled_from(["best", "svd", "spatial", "tucker"]), SHARES)
def test_what_is_planned_is_smaller_and_of_no_small_rank(whole, form, share):
    for found in planned(whole, form, share):
        assert found.weights(whole) < whole.weights and min(found.ranks) >= LEAST_RANK
        assert found.form in forms(whole, form)


@given(SIZES, st.sampled_from(["svd", "spatial", "tucker"]), SHARES, SHARES)
def test_a_smaller_share_never_leaves_more_weights(whole, form, one, other):
    heavier, lighter = (planned(whole, form, share) for share in sorted((one, other)))
    assert bool(heavier) or not lighter, "what pays at some share pays at less"
    if heavier and lighter:
        assert heavier[0].weights(whole) <= lighter[0].weights(whole)


@pytest.mark.parametrize(
    ("whole", "pays_at_half"),
    [
        (Shape(1, 1, 128, 128), True),
        (Shape(1, 1, 128, 8), False),  # no rank of 8 costs less than the whole
        (Shape(1, 1, 576, 10), False),
        (Shape(1, 1, 32, 32), True),
        (Shape(1, 1, 16, 16), False),
        (Shape(3, 3, 1, 64), False),  # a first convolution
        (Shape(3, 3, 128, 128), True),
    ],
)
def test_small_and_thin_kernels_stay_whole(whole, pays_at_half):
    assert bool(planned(whole, "best", 0.5)) is pays_at_half
    assert all(pays(whole, found) for found in planned(whole, "best", 0.5))


def test_the_table_of_the_docs_is_what_is_computed():
    """Each row of docs/techniques.md: weights, full rank, break-even by weights and in bytes, and the rank with three shares."""
    text = (Path(__file__).resolve().parents[3] / "docs" / "techniques.md").read_text(encoding="utf-8")
    table = text.partition("| kernel | weights | full rank |")[2].partition("\n\n")[0]
    rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in table.splitlines()[2:]]
    assert len(rows) == 9
    for name, *cells in rows:
        given, made = map(int, re.findall(r"(\d+) to (\d+)", name)[0])
        window = (3, 3) if name.startswith("3 x 3") else (1, 1)
        whole, form = Shape(*window, given, made), "spatial"
        found = [planned(whole, form, share) for share in (0.5, 0.35, 0.25)]
        ranks = [str(one[0].ranks[0]) if one else "whole" for one in found]
        even = [str(whole.weights // whole.row), str(break_even(whole))]
        assert cells == [f"{whole.weights:,}", str(full_rank(whole)), *even, *ranks], name


def test_a_window_has_the_forms_that_are_asked_for_and_a_point_has_one():
    window, point = Shape(3, 3, 128, 128), Shape(1, 1, 128, 128)
    assert forms(window, "best") == ("spatial", "tucker") and forms(window, "svd") == ()
    assert forms(window, "tucker") == ("tucker",)
    assert {forms(point, form) for form in ("best", "svd", "spatial", "tucker")} == {("svd",)}
