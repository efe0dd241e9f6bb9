"""Classes of channels that hang together, and which of them are alike: those that have as many channels in each value."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgekit.keras_graph.flat_graph import Value

STAYS = 0
"""The class of channels that cannot go."""


def alike(classes: Mapping[Value, np.ndarray]) -> np.ndarray:
    """By class a number that classes share which have as many channels in each value; 0 for those that stay, and where there is no class."""
    kinds = np.zeros(1 + max((int(found.max()) for found in classes.values() if found.size), default=0), int)
    last = 0
    for found in classes.values():
        there, times = np.unique(found[found != STAYS], return_counts=True)
        _, again = np.unique(kinds[there] * (found.size + 1) + times, return_inverse=True)
        kinds[there] = last + 1 + again
        last += there.size
    return kinds
