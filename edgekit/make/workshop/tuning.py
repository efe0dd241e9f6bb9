"""Learning rate and length of a training: short runs find the rate, and one run of the full length trains with it.

Each run starts from the same weights and has a complete schedule, so runs can be compared. Probes of the rate have a twelfth of the
longest length, at rates about a factor of three apart; while the best rate is at one end, the range is extended there. At most five are run
(more only if all diverge), so the final run has at least two thirds of all steps. It is as long as the project or the time allows.
The same 50% pruning of one network cost from 0.65 to 6.2 points depending on rate and length alone, so they are not constants.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

RATES = (3e-4, 1e-3, 3e-3)
LOWEST, HIGHEST = 1e-5, 3e-2
SHARE = 12
"""A probe of the learning rate has one twelfth of the longest run's steps."""
MOST_PROBES = 5


class Run(NamedTuple):
    """One run: its learning rate, its steps, and its loss on the validation split (infinite if it diverged)."""

    learning_rate: float
    steps: int
    loss: float


def search(
    try_run: Callable[[float, int], float],
    *,
    longest: int,
    fixed_rate: float | None,
    affordable: Callable[[], float] = lambda: math.inf,
    probe: int | None = None,
) -> list[Run]:
    """All runs, in order; the last one is the final run, if there is time for one that is longer than a probe.

    `try_run(learning_rate, steps)` gives a loss; `longest` is in steps, at least 1. `affordable()` says, after the probes, for how many
    steps there is time. `probe` is the length of a probe, in steps, where it is not a twelfth of `longest`.

    >>> [(run.learning_rate, run.steps) for run in search(lambda rate, steps: rate, longest=24, fixed_rate=1e-3)]
    [(0.001, 24)]
    """
    runs: list[Run] = []

    def run(rate: float, steps: int) -> Run:
        runs.append(Run(rate, steps, try_run(rate, steps)))
        return runs[-1]

    shortest = probe or max(1, longest // SHARE)
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
    """Probe the rates, the middle one first, and go on beyond the best end; if all are equal (diverged), at the lowest."""
    found = {rate: probe(rate).loss for rate in (RATES[1], RATES[0], RATES[2])}
    while len(found) < MOST_PROBES or not any(map(math.isfinite, found.values())):
        best = min(found, key=lambda rate: (found[rate], rate))
        beyond = best / 3 if best == min(found) else best * 3 if best == max(found) else None
        if beyond is None or not LOWEST <= beyond <= HIGHEST:
            return
        found[beyond] = probe(beyond).loss
