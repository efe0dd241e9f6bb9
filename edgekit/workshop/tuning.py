"""Learning rate and length of a training, found by short runs: each starts from the same weights and is a whole schedule.

First the learning rate: runs of an eighth of the longest length, over rates a factor of about three apart, and on beyond an
end of them while that end is the best. Then the length: with the best rate, runs of twice the length each, up to the
longest, for as long as they get better. The best run of all is the training; nothing is trained again after it.

The same 50% pruning of one network cost from 0.65 to 6.2 points by these two alone, so they are no constants.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

RATES = (3e-4, 1e-3, 3e-3)
LOWEST, HIGHEST = 1e-5, 3e-2
SHARE = 8
"""A probe of the learning rate has an eighth of the steps of the longest run."""
BETTER = 0.995
"""A longer run must lower the loss to less than this share, or the length is enough."""


class Run(NamedTuple):
    """One run: its learning rate, its steps, and its loss on the validation split (infinite where it diverged)."""

    learning_rate: float
    steps: int
    loss: float


def search(try_run: Callable[[float, int], float], *, longest: int, fixed_rate: float | None) -> list[Run]:
    """All runs, in order. `try_run(learning_rate, steps)` gives a loss; `longest` is in steps, at least 1.

    >>> [(run.learning_rate, run.steps) for run in search(lambda rate, steps: 1 / steps, longest=8, fixed_rate=1e-3)]
    [(0.001, 1), (0.001, 2), (0.001, 4), (0.001, 8)]
    """
    runs: list[Run] = []

    def run(rate: float, steps: int) -> Run:
        runs.append(Run(rate, steps, try_run(rate, steps)))
        return runs[-1]

    shortest = max(1, longest // SHARE)
    if fixed_rate is None:
        _find_rate(lambda rate: run(rate, shortest))
    else:
        run(fixed_rate, shortest)
    best = min(runs, key=lambda found: found.loss)
    while best.steps < longest:
        longer = run(best.learning_rate, min(2 * best.steps, longest))
        if not longer.loss < best.loss * BETTER and longer.steps > 2 * shortest:
            break
        best = longer
    return runs


def _find_rate(probe: Callable[[float], Run]) -> None:
    """Probe the rates, the middle one first, and beyond the end that is the best; of equals (all diverge) the lowest is."""
    found = {rate: probe(rate).loss for rate in (RATES[1], RATES[0], RATES[2])}
    while True:
        best = min(found, key=lambda rate: (found[rate], rate))
        beyond = best / 3 if best == min(found) else best * 3 if best == max(found) else None
        if beyond is None or not LOWEST <= beyond <= HIGHEST:
            return
        found[beyond] = probe(beyond).loss
