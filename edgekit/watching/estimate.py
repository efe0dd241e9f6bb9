"""How long what is left may take, by what as much took before: of the trials of a search, and of a phase."""

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
        """Times of training are not used for conversions, nor the other way round."""
        alike = [count for count in self._seconds if (count > 1) == (steps > 1)]
        if not alike:
            return None
        nearest = min(alike, key=lambda count: (abs(count - steps), count))
        found = self._seconds[nearest]
        return sum(found) / len(found)


class PhasePace:
    """How long a phase still takes, at the pace since its first part was done, which may have waited for much else.

    >>> pace = PhasePace()
    >>> pace.left_s("spooling", 1, 11, now=100.0) is None, pace.left_s("spooling", 3, 11, now=104.0)
    (True, 16.0)
    """

    def __init__(self) -> None:
        self._first: dict[str, tuple[float, int]] = {}  # when a phase's first part was done, and how many were then

    def left_s(self, phase: str, done: int, total: int, *, now: float) -> float | None:
        """The seconds left; None where there is no pace yet, or nobody knows how much there is."""
        if not done:
            return None
        began, before = self._first.setdefault(phase, (now, done))
        if done <= before or total <= done:
            return None
        return (now - began) / (done - before) * (total - done)

    def over(self, phase: str) -> None:
        """A phase is done; the next of its name begins anew."""
        self._first.pop(phase, None)
