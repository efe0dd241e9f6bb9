"""Passes a build's events to the caller's hook, one at a time, so that a failing hook does not harm the build.

It numbers trials, knows which candidate is the best so far, and estimates the remaining time from earlier trials. The
planner knows how good a candidate is and which comes next.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Literal, Protocol

import msgspec

from edgekit.documents.events import (
    Best,
    Ended,
    Event,
    Failed,
    Judging,
    OnEvent,
    Searching,
    TrialFinished,
    TrialStarted,
    no_event,
)
from edgekit.errors import EdgekitError, InterruptedBuild
from edgekit.planner.proposal import Proposal
from edgekit.planner.trial import Trial
from edgekit.watching.estimate import Pace
from edgekit.watching.hooks import Guarded

AGAIN = "the same command goes on with what is already done"


class Search(Protocol):
    """What is needed from a planner: its choice so far, and the candidates it would ask for next."""

    def best(self) -> Trial | None:
        """The trial that passes and would be chosen now."""
        ...

    def outlook(self) -> Sequence[Proposal]:
        """What is left to be tried, as far as it is known."""
        ...


class Watch:
    """Passes events to a hook, one at a time from any thread, with the seconds since the start."""

    def __init__(self, on_event: OnEvent = no_event, clock: Callable[[], float] = time.monotonic) -> None:
        self._hook, self._clock, self._began = Guarded(on_event), clock, clock()
        self._one_at_a_time = threading.RLock()

    def tell(self, event: Event) -> None:
        """Pass on an event."""
        with self._one_at_a_time:
            self._hook(msgspec.structs.replace(event, seconds=round(self.now, 3)))

    @property
    def now(self) -> float:
        """Seconds since the build began."""
        return self._clock() - self._began

    @contextlib.contextmanager
    def to_the_end(self) -> Iterator[Callable[[bool], None]]:
        """The last event is sent at the end of the block, however it ends; the block reports whether all passed.

        A Ctrl-C becomes an `InterruptedBuild`, wherever in the block it comes.
        """
        passed: list[bool] = []
        try:
            with ctrl_c_ends():
                yield passed.append
        except BaseException as problem:
            stopped = isinstance(problem, InterruptedBuild)
            outcome: Literal["interrupted", "error"] = "interrupted" if stopped else "error"
            self.tell(Ended(outcome=outcome, error=type(problem).__name__, message=_message(problem)))
            raise
        self.tell(Ended(outcome="pass" if passed == [True] else "fail"))

    @contextlib.contextmanager
    def device_that_may_fail(self, device: str) -> Iterator[None]:
        """Report an error that ends one device, and let it propagate; an interruption ends the whole build, so it is not reported."""
        try:
            yield
        except InterruptedBuild:
            raise
        except EdgekitError as problem:
            self.tell(Failed(device=device, error=type(problem).__name__, message=_message(problem)))
            raise


@contextlib.contextmanager
def ctrl_c_ends() -> Iterator[None]:
    """Raise `InterruptedBuild` for a Ctrl-C."""
    try:
        yield
    except KeyboardInterrupt:
        raise InterruptedBuild("interrupted", next_step=AGAIN) from None


def _message(problem: BaseException) -> str:
    return problem.what if isinstance(problem, EdgekitError) else str(problem)


class DeviceWatch:
    """The events of one device's search: trials by number, the best so far, an estimate of what is left."""

    def __init__(self, watch: Watch, device: str) -> None:
        self._watch, self._device = watch, device
        self._pace = Pace()
        self._numbers: dict[str, int] = {}
        self._open: dict[str, Proposal] = {}
        self._began: dict[str, float] = {}
        self._known, self._best = 0, ""
        self._left_s: float | None = None
        self._ends = math.inf

    def searching(
        self, name: str, planner: Search, limits: dict[str, float], *, seconds_left: float = math.inf
    ) -> None:
        """The search begins, and ends after so many seconds at the latest."""
        self._ends = self._watch.now + seconds_left
        left = tuple(candidate.name for candidate in planner.outlook())
        self._watch.tell(Searching(device=self._device, name=name, candidates=left, limits=limits))

    def asked(self, candidate: Proposal, planner: Search) -> None:
        """A candidate will be tried as soon as a worker is free."""
        self._numbers[candidate.name] = len(self._numbers) + 1
        self._open[candidate.name] = candidate
        self._look_ahead(planner)

    def began(self, candidate: Proposal) -> None:
        """The trial of a candidate has begun."""
        self._began[candidate.name] = self._watch.now
        self._watch.tell(
            TrialStarted(
                device=self._device, candidate=candidate.name, number=self._numbers.get(candidate.name, 0),
                known=self._known, left_s=self._left_s,
            )
        )  # fmt: skip

    def told(self, trial: Trial, planner: Search, *, skipped: str | None = None) -> None:
        """The result of a candidate, after the planner got it; `skipped` says why its trial was ended."""
        name = trial.candidate.name
        took = self._watch.now - self._began.get(name, self._watch.now)
        self._pace.took(trial.candidate, took)
        self._open.pop(name, None)
        self._look_ahead(planner)
        self._watch.tell(
            TrialFinished(
                device=self._device, candidate=name, number=self._numbers.get(name, 0), known=self._known,
                outcome="skipped" if skipped is not None else trial.outcome,
                reason=trial.missed if skipped is None else skipped, took_s=round(took, 3), metrics=trial.metrics,
                left_s=self._left_s,
            )
        )  # fmt: skip
        best = planner.best()
        if best is not None and best.candidate.name != self._best:
            self._best = best.candidate.name
            self._watch.tell(Best(device=self._device, candidate=self._best, metrics=best.metrics))

    def judging(self) -> None:
        """The search has ended."""
        self._watch.tell(Judging(device=self._device, tried=len(self._numbers)))

    def _look_ahead(self, planner: Search) -> None:
        left = planner.outlook()
        self._known = len(self._numbers) + len(left)
        left_s = self._pace.of((*self._open.values(), *left))
        self._left_s = None if left_s is None else round(max(0.0, min(left_s, self._ends - self._watch.now)), 1)
