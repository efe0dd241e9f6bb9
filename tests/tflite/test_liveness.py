"""Bytes held at each step, against the slow count that looks at every tensor in every step."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edgekit.tflite.liveness import Lifetime, aligned, held_bytes

LIVES = st.lists(st.builds(Lifetime, first=st.integers(0, 9), last=st.integers(0, 9), size_bytes=st.integers(0, 99)))


@given(LIVES)
def test_it_counts_what_lives_in_each_step(lives: list[Lifetime]) -> None:
    slow = [
        sum(aligned(life.size_bytes) for life in lives if life.first <= step <= max(life.first, life.last))
        for step in range(10)
    ]
    assert held_bytes(lives, steps=10) == slow


def test_sizes_are_rounded_up() -> None:
    assert [aligned(size) for size in (0, 1, 16, 17)] == [0, 16, 16, 32]


def test_a_lifetime_beyond_the_last_step_ends_with_it() -> None:
    assert held_bytes([Lifetime(first=1, last=99, size_bytes=1)], steps=3) == [0, 16, 16]
    assert held_bytes([], steps=0) == []
