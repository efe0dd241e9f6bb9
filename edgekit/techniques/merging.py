"""A projection on to few whole numbers: where there are a few values too many, some are merged with their neighbours.

After training and conversion, a clustered kernel may have a value more than was asked for, because some weights were
rounded the other way. The values that cost the least squared distance are merged into the nearest other value. Zero and
the largest magnitude are never merged away, so that zeros stay zeros and no scale changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

MOST_MOVED = 3
"""No weight is moved by more steps of its grid than this: a larger distance is not a rounding difference."""
LEAST_MORE = 2
SHARE_MORE = 8
"""At most this many values too many are merged: two, or an eighth of what was asked for if that is more."""


def merged(values: np.ndarray, most: int) -> np.ndarray | None:
    """The whole numbers merged into at most `most` distinct ones; None where that takes more than a few small moves.

    The shape and the type stay the same.

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
    """The cheapest merge: the position of the value that goes, and of the value that it joins; None where none may go."""
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
