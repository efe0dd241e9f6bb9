"""Which channels go until a budget is kept: those that are worth the least for what they save.

All groups are ranked together, step by step: the next channels to go are those whose worth, divided by what leaving them out saves of the budget
at that moment, is the least. A group keeps its floor, so that no layer dies. Or (uniform) each group keeps the same share.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from edgekit.techniques.narrowing.account import Account

Ranking = Literal["global", "uniform"]
STEPS = 32
"""A large group becomes narrower in so many steps, each a multiple; a small one by the least step."""


class Range(NamedTuple):
    """The fewest channels that a group keeps, and what its widths are multiples of."""

    least: int
    step: int


def globally(worth: Sequence[np.ndarray], ranges: Sequence[Range], account: Account, goal: float) -> list[int]:
    """How many channels of each group stay, so that the account is at or below the goal, or as near as the floors allow."""
    sizes = np.array([one.size for one in worth], float)
    lost = [np.concatenate([[0.0], np.cumsum(np.sort(one))]) for one in worth]
    stay = [one.size for one in worth]
    while (excess := float(account.excess(np.array(stay) / sizes, goal))) > 0:
        less = [_next(now, one.size, own) for now, one, own in zip(stay, worth, ranges, strict=True)]
        can = [place for place, (now, then) in enumerate(zip(stay, less, strict=True)) if then < now]
        shares = np.tile(np.array(stay) / sizes, (len(can), 1))
        for row, place in enumerate(can):
            shares[row, place] = less[place] / sizes[place]
        saved = excess - account.excess(shares, goal)
        prices = [
            (lost[place][worth[place].size - less[place]] - lost[place][worth[place].size - stay[place]]) / gain
            if gain > 0
            else np.inf
            for place, gain in zip(can, saved, strict=True)
        ]
        if not prices or not np.isfinite(min(prices)):
            break
        best = can[int(np.argmin(prices))]
        stay[best] = less[best]
    return stay


def uniformly(worth: Sequence[np.ndarray], ranges: Sequence[Range], account: Account, goal: float) -> list[int]:
    """How many channels of each group stay where all keep the same share, the largest with which the account is at or below the goal."""
    sizes = [one.size for one in worth]

    def stay(share: float) -> list[int]:
        return [_rounded(share * size, size, own) for size, own in zip(sizes, ranges, strict=True)]

    low, high = 0.0, 1.0
    for _ in range(30):  # finer than a channel of any layer
        middle = (low + high) / 2
        if account.excess(np.array(stay(middle)) / np.array(sizes, float), goal) > 0:
            high = middle
        else:
            low = middle
    return stay(low)


def least_worth(worth: np.ndarray, stay: int) -> np.ndarray:
    """Which channels of a group go (bool): those that are worth the least; of equal ones the later."""
    gone = np.zeros(worth.size, bool)
    gone[np.argsort(-worth, kind="stable")[stay:]] = True
    return gone


def _next(now: int, size: int, own: Range) -> int:
    """The next smaller number of channels of a group."""
    far = max(1, round(size / STEPS / own.step)) * own.step
    return now if now <= own.least else max(own.least, -(-now // own.step) * own.step - far)


def _rounded(wanted: float, size: int, own: Range) -> int:
    """The largest width that is not above what is wanted."""
    return size if wanted >= size else max(own.least, int(wanted) // own.step * own.step)
