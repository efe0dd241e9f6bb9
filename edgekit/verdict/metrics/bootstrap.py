"""The interval of a metric by resampling, in the time that it is given. What a metric is, it does not know."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from edgekit.verdict.intervals import Interval, percentiles, resamples

if TYPE_CHECKING:
    import numpy as np

LEAST_RESAMPLES = 100
"""The fewest resamples for an interval: each end of a 95% interval cuts off one in forty, which here are two or three."""


def bootstrap(
    figures: Callable[[np.ndarray], np.ndarray], samples: int, value: float, seed: int, until: float
) -> tuple[Interval | None, str]:
    """The interval of a figure by resampling, and the method's name; it ends before `until`, a time of the monotonic clock."""
    import numpy as np

    found, longest = [np.empty(0)], 0.0
    chunks = resamples(samples, seed=seed)
    for part in chunks if math.isinf(until) else (row for rows in chunks for row in np.split(rows, len(rows))):
        began = time.monotonic()
        if began + longest > until:
            break
        found.append(figures(part))
        longest = max(longest, time.monotonic() - began)
    values = np.concatenate(found)
    if len(values) < LEAST_RESAMPLES:
        return None, f"none, only {len(values)} resamples were done in the time that the metric's function was given"
    return percentiles(values, value), f"bootstrap, {len(values)} resamples"
