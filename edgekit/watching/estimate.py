"""Estimates the remaining time of a search from the times of earlier trials."""

from __future__ import annotations

from collections.abc import Iterable

from edgekit.documents.candidate import Candidate


class Pace:
    """The seconds of the trials so far, grouped by number of steps; those with a single step only convert.

    >>> from edgekit.documents.candidate import Step
    >>> pace, int8 = Pace(), Candidate(name="int8", steps=(Step(technique="int8"),))
    >>> pace.took(int8, 4.0)
    >>> pace.of([int8, int8])
    8.0
    """

    def __init__(self) -> None:
        self._seconds: dict[int, list[float]] = {}

    def took(self, candidate: Candidate, seconds: float) -> None:
        """Record the time of a trial."""
        self._seconds.setdefault(len(candidate.steps), []).append(seconds)

    def of(self, candidates: Iterable[Candidate]) -> float | None:
        """The sum of the candidates' mean times, each over trials with as many steps, or the nearest number; None if one has none."""
        total = 0.0
        for candidate in candidates:
            mean = self._mean(len(candidate.steps))
            if mean is None:
                return None
            total += mean
        return total

    def _mean(self, steps: int) -> float | None:
        """Times of training are not used for conversions, nor the other way round."""
        alike = [count for count in self._seconds if (count > 1) == (steps > 1)]
        if not alike:
            return None
        nearest = min(alike, key=lambda count: (abs(count - steps), count))
        found = self._seconds[nearest]
        return sum(found) / len(found)
