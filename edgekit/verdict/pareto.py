"""The Pareto front of two figures: which results are not beaten by any other."""

from __future__ import annotations

import math
from collections.abc import Sequence


def pareto(sizes: Sequence[float], accuracies: Sequence[float], *, higher_is_better: bool = True) -> list[bool]:
    """Which points no other point beats, by being as small and more accurate, or smaller and as accurate.

    >>> pareto([10, 20, 20], [0.9, 0.95, 0.8])
    [True, True, False]
    """
    sign = 1 if higher_is_better else -1
    points = [(size, -sign * accuracy) for size, accuracy in zip(sizes, accuracies, strict=True)]
    front, best = set(), math.inf
    for point in sorted(
        points
    ):  # all points before it are as small: if any of them beats it, the most accurate one does
        if point[1] < best:
            front.add(point)
            best = point[1]
    return [point in front for point in points]
