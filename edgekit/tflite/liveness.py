"""How many bytes are held at each step of an execution, from the lifetimes of its tensors.

This is the lower bound that a memory planner aims at: each tensor is held from the step that writes it to the last that
reads it, rounded up to `ALIGNMENT`. It knows neither Keras layers nor `.tflite` operators; `cost/ram.py` uses it for the
former and `tflite/breakdown.py` for the latter, so both count the same way.
"""

from __future__ import annotations

from collections.abc import Iterable

from edgekit.values import Value

ALIGNMENT = 16
"""A tensor begins at a multiple of so many bytes, as in tflite-micro (tensorflow/lite/micro/micro_arena_constants.h)."""


class Lifetime(Value):
    """A tensor's size in bytes, and the first and the last step at which it is held."""

    first: int
    last: int
    size_bytes: int


def held_bytes(lifetimes: Iterable[Lifetime], *, steps: int) -> list[int]:
    """The bytes held in each of `steps` steps; a lifetime that ends before it begins lasts one step.

    >>> held_bytes([Lifetime(first=0, last=1, size_bytes=16), Lifetime(first=1, last=1, size_bytes=20)], steps=3)
    [16, 48, 0]
    """
    change = [0] * (steps + 1)
    for life in lifetimes:
        size = aligned(life.size_bytes)
        change[min(life.first, steps)] += size
        change[min(max(life.first, life.last) + 1, steps)] -= size
    held, now = [], 0
    for step in range(steps):
        now += change[step]
        held.append(now)
    return held


def aligned(size_bytes: int) -> int:
    """A size rounded up to a multiple of `ALIGNMENT`.

    >>> aligned(17)
    32
    """
    return -(-size_bytes // ALIGNMENT) * ALIGNMENT
