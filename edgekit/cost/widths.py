"""How narrow a group of channels may become, and in which steps: the same for what is predicted and for what is cut."""

from __future__ import annotations

LEAST_SHARE, LEAST = 8, 4
"""A group keeps at least an eighth of its first size, and at least four channels: fewer filters learn nothing any more that the others could use."""


def step_of(size: int, multiple: int) -> int:
    """What the widths of a group of a first size are multiples of: in one of less than two multiples, any number will do."""
    return multiple if size >= 2 * multiple else 1


def floor_of(size: int, multiple: int) -> int:
    """The fewest channels that a group of a first size keeps: an eighth, as a multiple, and never less than a few.

    >>> floor_of(64, 8), floor_of(100, 8), floor_of(12, 8), floor_of(3, 8)
    (8, 16, 4, 3)
    """
    step = step_of(size, multiple)
    least = max(-(-size // LEAST_SHARE), LEAST)
    return min(size, -(-least // step) * step)
