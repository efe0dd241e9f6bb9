"""The loop of a search: ask the planner for a candidate, make and measure it, tell the planner the result."""

from __future__ import annotations

import collections
import time
from concurrent.futures import Future

from edgekit.measure.measure import Watch
from edgekit.planner.planner import Planner
from edgekit.planner.proposal import Proposal
from edgekit.progress import Progress
from edgekit.search.fleet import SearchContext
from edgekit.search.trials import Finished, TrialRunner
from edgekit.values import Value
from edgekit.watching.watch import DeviceWatch

LEAST_S = 5.0
"""A trial that has begun gets at least this long, even where the time budget ends sooner."""


class Search(Value):
    """A finished search: what was tried, and the candidates that were never started for lack of time."""

    finished: tuple[Finished, ...]
    not_tried: tuple[str, ...]

    @property
    def unfinished(self) -> tuple[str, ...]:
        """The candidates that were started and gave no file because their time was over."""
        return tuple(one.trial.candidate.name for one in self.finished if one.timed_out)


def search(
    planner: Planner, runner: TrialRunner, context: SearchContext, progress: Progress, watch: DeviceWatch | None = None
) -> Search:
    """Ask, run, tell, until the planner has no more candidates or the context's time is up; `watch` is told of each trial.

    The baseline runs first and alone, whatever the time. Every candidate that was cut for lack of time is named, once:
    as one that was never started, or among the finished ones. Raises what a trial raises, and `InterruptedBuild` where the build
    was stopped. Trials that are still running then are left to the owner of the context.
    """
    finished: list[Finished] = []
    cut: list[str] = []
    running: collections.deque[Future[Finished]] = collections.deque()
    while True:
        while len(running) < (context.ahead if finished else 1):
            if finished and time.monotonic() >= context.deadline:
                cut += planner.stop()
            candidate = planner.ask(alone=not running)
            if candidate is None:
                break
            if watch is not None:
                watch.asked(candidate, planner)
            running.append(
                context.executor.submit(_run, runner, candidate, planner.watch(candidate), context, progress, watch)
            )
        if not running:
            return Search(finished=tuple(finished), not_tried=tuple(cut))
        # The planner is told in the order in which it was asked, so that the same build tries the same candidates every
        # time.
        found = running.popleft().result()
        context.require_running()
        skipped = found.skipped
        if skipped is not None:
            planner.skip(found.trial.candidate, skipped)
        elif planner.tell(found.trial):
            finished.append(found)
        else:
            skipped = "it is the same file as another candidate, byte for byte"
        if watch is not None:
            watch.told(found.trial, planner, skipped=skipped)


def _run(
    runner: TrialRunner,
    candidate: Proposal,
    wanted: Watch,
    context: SearchContext,
    progress: Progress,
    watch: DeviceWatch | None,
) -> Finished:
    context.require_running()
    if watch is not None:
        watch.began(candidate)
    deadline = max(context.deadline, time.monotonic() + LEAST_S)
    return runner.run(candidate, progress=_prefixed(candidate, progress), deadline=deadline, watch=wanted)


def _prefixed(candidate: Proposal, progress: Progress) -> Progress:
    return lambda phase, done, total: progress(f"{candidate.name}: {phase}", done, total)
