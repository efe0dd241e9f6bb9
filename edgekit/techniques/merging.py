"""A projection on to few whole numbers: values that are one or two too many are merged with their neighbours.

What training and conversion made of a clustered kernel may have a value more than was asked for, where a rounding fell otherwise for some
weights. The values that cost the least squared distance go to the nearest other value; zero and the largest magnitude stay what they are, so
that zeros stay zeros and no scale changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

MOST_MOVED = 3
"""No weight is moved by more steps of its grid: beyond that it is no rounding that went astray."""
LEAST_MORE = 2
SHARE_MORE = 8
"""At most so many values too many are merged: two, or an eighth of what was asked for."""


def merged(values: np.ndarray, most: int) -> np.ndarray | None:
    """Whole numbers with at most `most` distinct ones, in the same shape and type; None where that takes more than a few small moves.

    >>> import numpy as np
    >>> merged(np.array([0, 0, 40, 40, 41, 127, -127]), 4)
    array([   0,    0,   40,   40,   40,  127, -127])
    >>> merged(np.array([0, 40, 60, 127]), 3) is None
    True
    """
    import numpy as np

    found, index, counts = np.unique(values, return_inverse=True, return_counts=True)
    more = len(found) - most
    if more <= 0:
        return values
    if more > max(LEAST_MORE, most // SHARE_MORE):
        return None
    kept, place = found.astype(np.int64), np.arange(len(found))
    for _ in range(more):
        move = _cheapest(kept, counts, place)
        if move is None:
            return None
        gone, stays = move
        place[place == gone] = stays
    moved = abs(kept[place] - kept)
    return None if moved.max() > MOST_MOVED else found[place][index].reshape(values.shape)


def _cheapest(values: np.ndarray, counts: np.ndarray, place: np.ndarray) -> tuple[int, int] | None:
    """Which value goes to which other one: positions among those that are still there; None where none may go."""
    import numpy as np

    there = np.unique(place)
    largest = abs(values).max()
    moves = [
        (float(sum(counts[one] * (values[one] - values[other]) ** 2 for one in np.flatnonzero(place == gone))), gone, other)
        for gone in there
        if values[gone] != 0 and abs(values[gone]) != largest
        for other in (min((one for one in there if one != gone), key=lambda one: abs(values[one] - values[gone])),)
    ]  # fmt: skip
    return min(moves)[1:] if moves else None
