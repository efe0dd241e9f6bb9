"""Learning rate and length of a training: short runs find the rate, and one run of the whole length trains with it.

Each run starts from the same weights and is a whole schedule, so runs can be compared. The probes of the rate have a twelfth of the longest
length each, over rates a factor of about three apart, and beyond an end of them while that end is the best. At most five are run (more only where
all diverge), so the final run has two thirds of all steps at the least. It is as long as the project allows, or as the time does.

The same 50% pruning of one network cost from 0.65 to 6.2 points by rate and length alone, so they are no constants.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

RATES = (3e-4, 1e-3, 3e-3)
LOWEST, HIGHEST = 1e-5, 3e-2
SHARE = 12
"""A probe of the learning rate has a twelfth of the steps of the longest run."""
MOST_PROBES = 5


class Run(NamedTuple):
    """One run: its learning rate, its steps, and its loss on the validation split (infinite where it diverged)."""

    learning_rate: float
    steps: int
    loss: float


def search(
    try_run: Callable[[float, int], float],
    *,
    longest: int,
    fixed_rate: float | None,
    affordable: Callable[[], float] = lambda: math.inf,
) -> list[Run]:
    """All runs, in order; the last one is the final run, where there is time for one that is longer than a probe.

    `try_run(learning_rate, steps)` gives a loss; `longest` is in steps, at least 1. `affordable()` says, after the probes, for how many
    steps there is time.

    >>> [(run.learning_rate, run.steps) for run in search(lambda rate, steps: rate, longest=24, fixed_rate=1e-3)]
    [(0.001, 24)]
    """
    runs: list[Run] = []

    def run(rate: float, steps: int) -> Run:
        runs.append(Run(rate, steps, try_run(rate, steps)))
        return runs[-1]

    shortest = max(1, longest // SHARE)
    if fixed_rate is None:
        _find_rate(lambda rate: run(rate, shortest))
    length = max(1, int(min(longest, affordable())))
    best = min(runs, key=lambda found: found.loss, default=None)
    if best is None:
        run(fixed_rate or RATES[1], length)
    elif length > shortest and math.isfinite(best.loss):
        run(best.learning_rate, length)
    return runs


def _find_rate(probe: Callable[[float], Run]) -> None:
    """Probe the rates, the middle one first, and beyond the end that is the best; of equals (all diverge) the lowest is."""
    found = {rate: probe(rate).loss for rate in (RATES[1], RATES[0], RATES[2])}
    while len(found) < MOST_PROBES or not any(map(math.isfinite, found.values())):
        best = min(found, key=lambda rate: (found[rate], rate))
        beyond = best / 3 if best == min(found) else best * 3 if best == max(found) else None
        if beyond is None or not LOWEST <= beyond <= HIGHEST:
            return
        found[beyond] = probe(beyond).loss
