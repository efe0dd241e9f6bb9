"""The interval of a metric by resampling, in the time that it is given. What a metric is, it does not know."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from edgekit.verdict.intervals import Interval, percentiles, resamples

if TYPE_CHECKING:
    import numpy as np

LEAST_RESAMPLES = 100
"""The fewest resamples for an interval: each end of a 95% interval cuts off one in forty, which here are two or three."""


class Resampled(NamedTuple):
    """The 95% interval of a figure (None: there is none), the name of its method, and the figure on each resample, where there are any."""

    interval: Interval | None
    method: str
    figures: np.ndarray | None = None


def bootstrap(
    figures: Callable[[np.ndarray, int], np.ndarray], samples: int, value: float, seed: int, until: float
) -> Resampled:
    """The interval of a figure by resampling; it ends before `until`, a time of the monotonic clock.

    `figures` gets the rows of some resamples and the number of the first of them.
    """
    import numpy as np

    found, longest, count = [np.empty(0)], 0.0, 0
    chunks = resamples(samples, seed=seed)
    for part in chunks if math.isinf(until) else (row for rows in chunks for row in np.split(rows, len(rows))):
        began = time.monotonic()
        if began + longest > until:
            break
        found.append(figures(part, count))
        count += len(part)
        longest = max(longest, time.monotonic() - began)
    values = np.concatenate(found)
    if len(values) < LEAST_RESAMPLES:
        why = f"none, only {len(values)} resamples were done in the time that the metric's function was given"
        return Resampled(None, why, values)
    return Resampled(percentiles(values, value), f"bootstrap, {len(values)} resamples", values)
