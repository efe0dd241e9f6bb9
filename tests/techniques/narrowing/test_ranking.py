"""Which channels go: what is worth the least for what it saves, down to a floor, in whole multiples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.cost.widths import floor_of, step_of
from edgekit.techniques.narrowing.ranking import Range, globally, least_worth, uniformly


class Weights:
    """Groups in a row: each channel reads all of the group before, as in dense layers one after another."""

    def __init__(self, sizes):
        self._sizes = np.array(sizes, float)

    def excess(self, stays, goal):
        widths = np.asarray(stays) * self._sizes
        total = (widths[..., :-1] * widths[..., 1:]).sum(axis=-1) + widths[..., 0] + widths[..., -1]
        return np.maximum(total - goal, 0.0)


def whole(sizes):
    return float(Weights(sizes).excess(np.ones(len(sizes)), 0.0))


def ranges(sizes, multiple):
    return [Range(floor_of(size, multiple), step_of(size, multiple)) for size in sizes]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(2, 90), min_size=2, max_size=5),
    st.sampled_from([1, 4, 8]),
    st.floats(0.1, 0.95),
    st.integers(0, 9),
    st.sampled_from([globally, uniformly]),
)
def test_the_goal_is_met_where_the_floors_allow_it_and_widths_are_multiples(sizes, multiple, share, seed, rank):
    generator = np.random.default_rng(seed)
    worth = [generator.random(size) for size in sizes]
    account, own = Weights(sizes), ranges(sizes, multiple)
    goal = share * whole(sizes)
    stay = rank(worth, own, account, goal)
    for size, count, one in zip(sizes, stay, own, strict=True):
        assert one.least <= count <= size and (count == size or count % one.step == 0)
    least = account.excess(np.array([one.least for one in own]) / sizes, goal)
    assert account.excess(np.array(stay) / sizes, goal) == 0 or least > 0


def test_of_layers_of_one_size_the_one_that_is_worth_less_becomes_narrower():
    sizes = [32, 32, 32]
    worth = [np.full(32, 1.0), np.full(32, 0.01), np.full(32, 1.0)]
    stay = globally(worth, ranges(sizes, 4), Weights(sizes), 0.6 * whole(sizes))
    assert stay[1] < stay[0] == stay[2] == 32
    even = uniformly(worth, ranges(sizes, 4), Weights(sizes), 0.6 * whole(sizes))
    assert len(set(even)) == 1, "the same share of each"


def test_of_layers_of_one_worth_the_one_that_costs_more_becomes_narrower():
    sizes = [64, 64, 8, 8]
    worth = [np.ones(size) for size in sizes]
    stay = globally(worth, ranges(sizes, 4), Weights(sizes), 0.5 * whole(sizes))
    assert sum(stay[:2]) < 128 and stay[3] == 8


def test_a_useless_layer_keeps_its_floor():
    sizes = [64, 64]
    stay = globally([np.zeros(64), np.ones(64)], ranges(sizes, 8), Weights(sizes), 1.0)
    assert stay == [8, 8], "an eighth of the first size each, however low the goal"


def test_groups_that_are_held_stay():
    worth = [np.zeros(16), np.ones(16)]
    held = [Range(16, 4), Range(4, 4)]
    assert globally(worth, held, Weights([16, 16]), 200.0)[0] == 16
    assert uniformly(worth, held, Weights([16, 16]), 200.0)[0] == 16


def test_those_of_the_least_worth_go():
    assert least_worth(np.array([3.0, 1.0, 2.0, 1.0]), 2).tolist() == [False, True, False, True]
    assert least_worth(np.array([1.0, 1.0, 1.0]), 2).tolist() == [False, False, True]


@pytest.mark.parametrize(("size", "multiple", "least"), [(64, 8, 8), (256, 8, 32), (20, 8, 8), (12, 8, 4), (3, 4, 3)])
def test_the_floor_is_an_eighth_in_multiples(size, multiple, least):
    assert floor_of(size, multiple) == least
