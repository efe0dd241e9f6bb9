"""Values of which as many channels must stay in each of some equal sections: what a convolution in groups takes and makes.

Which channel of one section goes with which of another is free. So classes that are not in all sections alike are put together until they are, those of
a kind first: they leave more classes that are alike, and such a group of classes is what there is to choose from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy as np

from edgekit.keras_graph.flat_graph import Value
from edgekit.passes.channels.alike import STAYS, alike


class Sections(NamedTuple):
    """A value, and in how many sections its channels lie, one after another."""

    value: Value
    number: int


def even_out(classes: Mapping[Value, np.ndarray], sections: Iterable[Sections]) -> None:
    """Make one class, in place, of classes that are only together in each section alike; what is left over in the end stays."""
    for value, number in sections:
        there, counts = _counted(classes[value], number)
        uneven = counts.min(axis=1) != counts.max(axis=1)
        if uneven.any():
            kinds = alike(classes)
            instead = np.arange(kinds.size)
            for batch, is_even in _batches(counts[uneven], kinds[there[uneven]]):
                together = there[uneven][batch]
                instead[together] = together.min() if is_even else STAYS
            for found in classes.values():
                found[:] = instead[found]


def even_dead(dead: np.ndarray, number: int) -> None:
    """Leave, in place, as many dead channels in each section as in the one that has the fewest: the first of each."""
    rows = dead.reshape(number, -1)
    rows &= np.cumsum(rows, axis=1) <= rows.sum(axis=1).min()


def _counted(found: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray]:
    """The classes of a value but the one that stays, and by (class, section) how many channels they have."""
    there, which = np.unique(found, return_inverse=True)
    counts = np.zeros((there.size, number), int)
    np.add.at(counts, (which, np.arange(found.size) * number // found.size), 1)
    return there[there != STAYS], counts[there != STAYS]


def _batches(counts: np.ndarray, kinds: np.ndarray) -> Iterator[tuple[list[int], bool]]:
    """All rows of counts in batches whose sums are even, and whether a batch is: all but the last are.

    What makes the sum least uneven comes next, of equals what is of the first one's kind, and then what stands first.
    """
    sorts, which = np.unique(np.column_stack([kinds, counts]), axis=0, return_inverse=True)
    waiting: list[list[int]] = [np.flatnonzero(which.reshape(-1) == place).tolist() for place in range(len(sorts))]
    order = np.argsort([one[0] for one in waiting], kind="stable")
    waiting, kinds, counts = [waiting[place] for place in order], sorts[order, 0], sorts[order, 1:]
    while any(waiting):
        batch: list[int] = []
        total, kind = np.zeros(counts.shape[1], int), 0
        while any(waiting) and (not batch or np.ptp(total)):
            there = [place for place, one in enumerate(waiting) if one]
            sums = total + counts[there]
            uneven = sums.max(axis=1) * sums.shape[1] - sums.sum(axis=1)
            best = int((2 * uneven + (kinds[there] != (kind or kinds[there]))).argmin())
            total, kind = sums[best], kind or int(kinds[there[best]])
            batch.append(waiting[there[best]].pop(0))
        yield batch, not np.ptp(total)
