"""How long what is left may take, by what as much took before."""

from __future__ import annotations

from collections.abc import Iterable

from edgekit.planner.proposal import Proposal


class Pace:
    """The seconds of the trials so far: those that train, and those that only convert.

    >>> from edgekit.documents.candidate import Step
    >>> from edgekit.techniques.steps import typed
    >>> pace, int8 = Pace(), Proposal(name="int8", steps=(typed(Step(technique="int8")),))
    >>> pace.took(int8, 4.0)
    >>> pace.of([int8, int8])
    8.0
    """

    def __init__(self) -> None:
        self._seconds: dict[int, list[float]] = {}

    def took(self, candidate: Proposal, seconds: float) -> None:
        """A trial was timed."""
        self._seconds.setdefault(len(candidate.steps), []).append(seconds)

    def of(self, candidates: Iterable[Proposal]) -> float | None:
        """The sum of the means of as many steps, else of the nearest number of trained ones; None where one has none."""
        total = 0.0
        for candidate in candidates:
            mean = self._mean(len(candidate.steps))
            if mean is None:
                return None
            total += mean
        return total

    def _mean(self, steps: int) -> float | None:
        """Training says nothing of a conversion, and a conversion nothing of training."""
        alike = [count for count in self._seconds if (count > 1) == (steps > 1)]
        if not alike:
            return None
        nearest = min(alike, key=lambda count: (abs(count - steps), count))
        found = self._seconds[nearest]
        return sum(found) / len(found)
