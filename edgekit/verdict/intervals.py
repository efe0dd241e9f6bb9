"""95% intervals of a share, of a difference of two paired shares, and of anything by resampling.

They know counts and numbers, and nothing about models or metrics.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from edgekit.values import Value

if TYPE_CHECKING:
    import numpy as np

Z_95 = 1.959963984540054
RESAMPLES = 1000
_CHUNK_ELEMENTS = 4_000_000


class Interval(Value):
    """A 95% interval."""

    low: float
    high: float


def wilson(successes: int, trials: int) -> Interval:
    """The score interval of a share (Wilson, J. Am. Stat. Assoc. 22:209, 1927); without trials, all of [0, 1].

    >>> interval = wilson(351, 360)
    >>> round(interval.low, 4), round(interval.high, 4)
    (0.9532, 0.9868)
    """
    if trials == 0:
        return Interval(low=0.0, high=1.0)
    share = successes / trials
    spread = Z_95**2 / trials
    centre = (share + spread / 2) / (1 + spread)
    half = Z_95 / (1 + spread) * math.sqrt(share * (1 - share) / trials + spread / (4 * trials))
    return Interval(low=max(0.0, min(share, centre - half)), high=min(1.0, max(share, centre + half)))


def paired_difference(only_first: int, only_second: int, trials: int) -> Interval:
    """The interval of the difference of two shares on the same trials: the first minus the second.

    `only_first` trials succeed with the first alone, `only_second` with the second alone; the rest agree. The
    adjusted Wald interval of Bonett and Price (J. Educ. Behav. Stat. 37:479, 2012): one trial is added to each
    kind of disagreement, which keeps its coverage with few disagreements or none, where the plain interval fails.

    >>> interval = paired_difference(10, 10, 1000)
    >>> round(interval.low, 4), round(interval.high, 4)
    (-0.0092, 0.0092)
    """
    if trials == 0:
        return Interval(low=-1.0, high=1.0)
    first = (only_first + 1) / (trials + 2)
    second = (only_second + 1) / (trials + 2)
    difference = (only_first - only_second) / trials
    half = Z_95 * math.sqrt((first + second - (first - second) ** 2) / (trials + 2))
    centre = first - second
    return Interval(low=max(-1.0, min(difference, centre - half)), high=min(1.0, max(difference, centre + half)))


def resamples(samples: int, *, seed: int, count: int = RESAMPLES) -> Iterator[np.ndarray]:
    """Row numbers of `count` bootstrap resamples (Efron, Ann. Stat. 7:1, 1979) in chunks (resamples, samples), int64.

    Deterministic, so that two models are compared on the same resamples.
    """
    import numpy as np

    generator = np.random.default_rng(seed)
    chunk = max(1, min(count, _CHUNK_ELEMENTS // max(1, samples)))
    for start in range(0, count, chunk):
        yield generator.integers(0, samples, size=(min(chunk, count - start), samples))


def occurrences(rows: np.ndarray) -> np.ndarray:
    """How often each sample is in each resample: float64 (resamples, samples)."""
    import numpy as np

    counted = [np.bincount(resample, minlength=rows.shape[1]) for resample in rows]
    return np.asarray(counted, dtype=np.float64)


def percentiles(values: np.ndarray, value: float) -> Interval | None:
    """The middle 95% of resampled values, widened to include the value itself; None if too few of them are numbers."""
    import numpy as np

    known = values[np.isfinite(values)]
    if known.size < 0.5 * values.size or known.size == 0 or not math.isfinite(value):
        return None
    low, high = np.percentile(known, (2.5, 97.5))
    return Interval(low=min(float(low), value), high=max(float(high), value))
