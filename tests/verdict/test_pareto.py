"""The Pareto front: what no other result beats."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edgekit.verdict.pareto import pareto

SIZES = st.floats(1e3, 2e5)
SCORES = st.floats(0.5, 1.0)


@given(st.lists(st.tuples(SIZES, SCORES), min_size=1, max_size=12))
def test_the_front_is_what_nothing_beats(points):
    wins = pareto([size for size, _ in points], [score for _, score in points])
    assert any(wins)
    for (size, score), on_front in zip(points, wins, strict=True):
        beaten = any(s <= size and a >= score and (s, a) != (size, score) for s, a in points)
        assert on_front != beaten


def test_the_front_of_a_score_that_is_better_lower():
    assert pareto([1, 2, 3], [0.3, 0.1, 0.2], higher_is_better=False) == [True, True, False]
