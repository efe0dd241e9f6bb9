"""A kernel with few values: a codebook on the grid of int8, shared by all channels, and a scale for each channel.

    weight = scale[channel] * code,    code in {0, +-c_1, ..., +-1},    127 c_i whole numbers

int8 weights have one scale per channel: its largest magnitude over 127. As the largest code is 1, the integers of such
a kernel are the codes times 127: the same few in every channel, with no rounding error at all. Folding a batch
normalization multiplies a channel by a factor, which changes its scale; a negative factor only changes the signs of the
codes.

The codes of a kernel are its optimal ones: k-means in one dimension by dynamic programming (Wang and Song, "Ckmeans.1d.dp",
The R Journal 3/2, 2011) over the 128 magnitudes of the grid.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

GRID = 127
LEAST_SCALE = 1e-4
LEAST_WITH_ZERO = 3
"""Zero, and a value of each sign; with fewer codes, none is zero."""


class Codebook:
    """The codes of one kernel, which is a matrix with one row per scale. Which weight has which code is fixed when it is made."""

    def __init__(self, weights: np.ndarray, clusters: int) -> None:
        import numpy as np

        scales = abs(weights).max(axis=1, keepdims=True)
        # A channel that training drives to zero keeps its codes with a very small scale: none of them may become zero.
        self._least = np.maximum(scales * LEAST_SCALE, np.finfo(np.float32).tiny)
        magnitudes = abs(weights) / np.where(scales > 0, scales, 1)
        self._signs = np.sign(weights)
        if clusters < LEAST_WITH_ZERO:
            self._signs[self._signs == 0] = 1
        bins = np.rint(magnitudes * GRID).astype(np.int64)
        used = bins[self._signs != 0]
        # A code and its negative are two values, zero is one of its own.
        pairs = max((clusters - bool(used.size < bins.size)) // 2, 1)
        starts = _segments(np.bincount(used, minlength=GRID + 1), pairs)
        self._index = np.searchsorted(starts, bins, side="right") - 1
        self._count = len(starts)
        self._codes = self._means(magnitudes)

    def project(self, weights: np.ndarray) -> np.ndarray:
        """The nearest weights with these codes, each code moved to the mean of its weights."""
        signs, values = self._signs, self._signs * self._codes[self._index]
        scales = self._scales(weights, values)
        self._codes = self._means(weights * signs / scales)
        projected: np.ndarray = scales * signs * self._codes[self._index]
        return projected

    def settle(self, weights: np.ndarray) -> np.ndarray:
        """The same as `project`, with every code on the grid of int8."""
        import numpy as np

        projected = self.project(weights)
        scales = self._scales(projected, self._signs * self._codes[self._index])
        self._codes = np.maximum(np.rint(self._codes * GRID), 1) / GRID
        settled: np.ndarray = scales * self._signs * self._codes[self._index]
        return settled

    def _means(self, magnitudes: np.ndarray) -> np.ndarray:
        """The mean magnitude of each code, the largest always 1."""
        import numpy as np

        there = self._signs != 0
        index = self._index[there]
        sums = np.bincount(index, weights=magnitudes[there], minlength=self._count)
        codes = np.clip(sums / np.maximum(np.bincount(index, minlength=self._count), 1), 1 / GRID, 1.0)
        codes[-1] = 1.0
        return codes

    def _scales(self, weights: np.ndarray, values: np.ndarray) -> np.ndarray:
        """The scale of each row that fits its weights best (least squares)."""
        import numpy as np

        norms = (values * values).sum(axis=1, keepdims=True)
        fitted = (weights * values).sum(axis=1, keepdims=True) / np.where(norms > 0, norms, 1)
        scales: np.ndarray = np.maximum(fitted, self._least)
        return scales


def _segments(counts: np.ndarray, codes: int) -> np.ndarray:
    """The best cut of the grid's magnitudes into `codes` segments: the first magnitude of each.

    The best has the least sum of squared distances to the mean of the segment; the code of the last segment is the
    largest magnitude.
    """
    import numpy as np

    there = np.flatnonzero(counts)
    if len(there) <= codes:
        return there if len(there) else np.array([GRID])
    costs = _costs(there, counts[there])
    best, cuts = costs[0].copy(), []
    for code in range(1, codes):
        totals = best[:-1, None] + costs[1:]
        if code == codes - 1:
            last = totals[:, -1] - costs[1:, -1] + _last_costs(there, counts[there])[1:]
            totals[:, -1] = last
        cuts.append(totals.argmin(axis=0) + 1)
        best = np.minimum.reduce(totals, axis=0)
    return there[_walk_back(cuts, len(there))]


def _walk_back(cuts: list[np.ndarray], end: int) -> list[int]:
    starts: list[int] = []
    last = end - 1
    for cut in reversed(cuts):
        starts.append(int(cut[last]))
        last = starts[-1] - 1
    return [0, *reversed(starts)]


def _costs(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The sum of squared distances to the mean, of each segment from one value (row) to another (column); infinite for no segment."""
    import numpy as np

    n, first, second = (np.concatenate([[0.0], np.cumsum(counts * values**power)]) for power in range(3))
    start, end = np.arange(len(values))[:, None], np.arange(len(values))[None] + 1
    weight = np.where(end > start, n[end] - n[start], 1)
    cost = second[end] - second[start] - (first[end] - first[start]) ** 2 / np.maximum(weight, 1)
    return np.where(end > start, np.maximum(cost, 0), np.inf)


def _last_costs(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The sum of squared distances to the largest magnitude, of each segment that ends with it, by the segment's first value."""
    import numpy as np

    return np.cumsum((counts * (values - GRID) ** 2.0)[::-1])[::-1]
