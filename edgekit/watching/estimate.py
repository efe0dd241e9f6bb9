"""Estimates the remaining time from what similar work took before: for the trials of a search, and for a phase."""

from __future__ import annotations

from collections.abc import Iterable

from edgekit.planner.proposal import Proposal


class Pace:
    """The seconds of the trials so far, grouped by number of steps; those with a single step only convert.

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
        """Record how long a trial took."""
        self._seconds.setdefault(len(candidate.steps), []).append(seconds)

    def of(self, candidates: Iterable[Proposal]) -> float | None:
        """The expected seconds of candidates: for each, the mean of trials with as many steps, or the nearest number of steps.

        None where there is no trial to compare one with.
        """
        total = 0.0
        for candidate in candidates:
            mean = self._mean(len(candidate.steps))
            if mean is None:
                return None
            total += mean
        return total

    def _mean(self, steps: int) -> float | None:
        """The mean for a number of steps; times of training are not used for conversions, nor the other way round."""
        alike = [count for count in self._seconds if (count > 1) == (steps > 1)]
        if not alike:
            return None
        nearest = min(alike, key=lambda count: (abs(count - steps), count))
        found = self._seconds[nearest]
        return sum(found) / len(found)


class PhasePace:
    """The remaining time of a phase, at its pace since its first part was done; that part may include waiting for other work.

    >>> pace = PhasePace()
    >>> pace.left_s("spooling", 1, 11, now=100.0) is None, pace.left_s("spooling", 3, 11, now=104.0)
    (True, 16.0)
    """

    def __init__(self) -> None:
        self._first: dict[str, tuple[float, int]] = {}  # when a phase's first parts were done, and how many

    def left_s(self, phase: str, done: int, total: int, *, now: float) -> float | None:
        """The seconds left; None where there is no pace yet, or where the total is not known."""
        if not done:
            return None
        began, before = self._first.setdefault(phase, (now, done))
        if done <= before or total <= done:
            return None
        return (now - began) / (done - before) * (total - done)

    def over(self, phase: str) -> None:
        """A phase is done; the next one of the same name starts anew."""
        self._first.pop(phase, None)
