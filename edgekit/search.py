"""The loop of a search: ask the planner, have the candidate made and measured, tell the planner."""

from __future__ import annotations

import collections
import contextlib
import time
from concurrent.futures import Future, ThreadPoolExecutor

from edgekit.candidate import Candidate
from edgekit.child import Progress
from edgekit.errors import InterruptedBuild
from edgekit.jobs import all_stopped
from edgekit.planner.planner import Planner
from edgekit.trials import Bench, Finished
from edgekit.values import Value

LEAST_S = 5.0
"""What has begun gets at least this long, also where the time budget ends sooner; a conversion has a minute of its own."""


class Search(Value):
    """A finished search: what was tried, and what time cut."""

    finished: tuple[Finished, ...]
    not_tried: tuple[str, ...]


def search(planner: Planner, bench: Bench, workers: int, deadline: float, progress: Progress) -> Search:
    """Ask, run, tell, until the planner has nothing more or the time is up.

    The baseline is alone at first, and is run whatever the time. What time cut is named, whether it was never started
    or stopped half-way.
    """
    finished: list[Finished] = []
    cut: list[str] = []
    running: collections.deque[Future[Finished]] = collections.deque()
    executor = ThreadPoolExecutor(workers)
    try:
        while True:
            while len(running) < (workers if finished else 1):
                if finished and time.monotonic() >= deadline:
                    cut += planner.stop("not tried: the time budget was used up")
                candidate = planner.ask(alone=not running)
                if candidate is None:
                    break
                running.append(executor.submit(_run, bench, candidate, deadline, progress))
            if not running:
                return Search(finished=tuple(finished), not_tried=tuple(cut))
            # Told in the order asked, so that the same build asks for the same candidates every time.
            finished.append(running[0].result())
            running.popleft()
            planner.tell(finished[-1].trial)
            if finished[-1].trial.failure is not None and time.monotonic() >= deadline:
                cut.append(finished[-1].trial.candidate.name)
    except KeyboardInterrupt:
        raise InterruptedBuild("interrupted", next_step="the same command goes on with what is already done") from None
    finally:
        with all_stopped() if running else contextlib.nullcontext():
            executor.shutdown(wait=True, cancel_futures=True)


def _run(bench: Bench, candidate: Candidate, deadline: float, progress: Progress) -> Finished:
    return bench.run(
        candidate, progress=_named(candidate, progress), deadline=max(deadline, time.monotonic() + LEAST_S)
    )


def _named(candidate: Candidate, progress: Progress) -> Progress:
    return lambda phase, done, total: progress(f"{candidate.name}: {phase}", done, total)
