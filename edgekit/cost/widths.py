"""How narrow a group of channels may become, and in which steps: the same for what is predicted and for what is cut."""

from __future__ import annotations

import math

LEAST_SHARE, LEAST = 8, 4
"""A group keeps at least an eighth of its first size, and the layer that makes it at least four channels: fewer filters learn nothing any more that the others could use."""


def step_of(size: int, multiple: int, *, each: int = 1) -> int:
    """What the widths of a group of a first size are multiples of, so that those of its maker are of `multiple`: in a layer of less than two multiples, any number will do.

    `each` counts the channels of its maker that one of the group stands for, as one of each head of attention.

    >>> step_of(64, 8), step_of(12, 8), step_of(8, 8, each=4)
    (8, 1, 2)
    """
    return multiple // math.gcd(multiple, each) if size * each >= 2 * multiple else 1


def floor_of(size: int, multiple: int, *, each: int = 1) -> int:
    """The fewest channels that a group of a first size keeps: an eighth, as a multiple, and never less than a few.

    >>> floor_of(64, 8), floor_of(100, 8), floor_of(12, 8), floor_of(3, 8), floor_of(8, 8, each=4)
    (8, 16, 4, 3, 2)
    """
    step = step_of(size, multiple, each=each)
    least = max(-(-size // LEAST_SHARE), -(-LEAST // each))
    return min(size, -(-least // step) * step)
