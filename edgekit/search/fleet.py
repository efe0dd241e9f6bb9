"""The devices of one build: one after another, or side by side if several jobs may run at once.

Side by side, each device has a search of its own and all of them share the semaphore of `--workers`. A failure of one
device does not affect the others; an error that would stop each of them ends the build. What is done for
a device is not known here.
"""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Executor, ThreadPoolExecutor, wait
from typing import Generic, TypeVar

from edgekit.devices.profile import DeviceProfile
from edgekit.errors import ClusterError, EdgekitError, InterruptedBuild, LockError, OutputError
from edgekit.jobs.worker import all_stopped
from edgekit.progress import Progress
from edgekit.watching.watch import AGAIN, ctrl_c_ends

ENDS_ALL = (InterruptedBuild, ClusterError, OutputError)
"""Errors that end the whole build, because the next device would fail too: an interrupt, a lost scheduler, a full disk."""
Made = TypeVar("Made")


@dataclasses.dataclass(frozen=True, kw_only=True)
class SearchContext:
    """What the search of one device gets: where its trials run, how many at once, and until when."""

    executor: Executor
    ahead: int
    deadline: float
    stopped: threading.Event

    def require_running(self) -> None:
        """Raise `InterruptedBuild` if the build was stopped: later failures are only a consequence of that."""
        if self.stopped.is_set():
            raise InterruptedBuild("interrupted", next_step=AGAIN)


class Fleet(Generic[Made]):
    """Builds devices with `build_one`, at most `workers` of them side by side; `stop` ends jobs that run elsewhere."""

    def __init__(
        self,
        build_one: Callable[[DeviceProfile, SearchContext], Made],
        *,
        workers: int,
        deadline: float,
        stop: Callable[[], None],
    ) -> None:
        self._build_one, self._workers, self._deadline, self._stop = build_one, workers, deadline, stop
        self._stopped = threading.Event()
        self._counting = threading.Lock()
        self._count = self._begun = 0
        self._at_once = 1

    def build(self, profiles: Sequence[DeviceProfile]) -> dict[str, Made | EdgekitError]:
        """The result for each device by id, in the given order, or the device's own error.

        With one worker, devices come one after another. Raises `ENDS_ALL`, and `InterruptedBuild` for a Ctrl-C.
        """
        self._count, self._begun, self._at_once = len(profiles), 0, min(self._workers, len(profiles))
        trials = ThreadPoolExecutor(self._workers * self._at_once, thread_name_prefix="trial")
        devices = ThreadPoolExecutor(self._at_once, thread_name_prefix="device")
        with self._ended(devices, trials):
            if self._at_once == 1:
                found = [self._one(profile, trials) for profile in profiles]
            else:
                futures = [devices.submit(self._one, profile, trials) for profile in profiles]
                done, _ = wait(futures, return_when=FIRST_EXCEPTION)
                for problem in filter(None, (future.exception() for future in done)):
                    raise problem
                found = [future.result() for future in futures]
            if any(isinstance(one, EdgekitError) for one in found):
                self._stopped.set()  # trials of a device that failed may still be running
        return dict(zip((profile.id for profile in profiles), found, strict=True))

    def _one(self, profile: DeviceProfile, trials: Executor) -> Made | EdgekitError:
        context = SearchContext(
            executor=trials, ahead=self._workers, deadline=self._next_deadline(), stopped=self._stopped
        )
        try:
            return self._build_one(profile, context)
        except ENDS_ALL:
            raise
        except EdgekitError as problem:
            return problem

    def _next_deadline(self) -> float:
        """The time until which the next device may search: the remaining time in equal parts for all devices still waiting.

        Devices that start side by side count as having waited together, so that the second gets no more than the first.
        """
        with self._counting:
            left, now = self._deadline - time.monotonic(), time.monotonic()
            waited = self._count - self._begun // self._at_once * self._at_once
            share = left * min(1.0, self._at_once / waited)
            self._begun += 1
        return now + share

    @contextlib.contextmanager
    def _ended(self, devices: ThreadPoolExecutor, trials: ThreadPoolExecutor) -> Iterator[None]:
        """Wait for every thread at the end; after an error or a Ctrl-C all that still runs is stopped first."""
        try:
            with ctrl_c_ends():
                yield
        except BaseException:
            self._stopped.set()
            raise
        finally:
            broken = self._stopped.is_set()
            trials.shutdown(wait=False, cancel_futures=broken)
            if broken:
                self._stop()
            with all_stopped() if broken else contextlib.nullcontext():
                devices.shutdown(wait=True, cancel_futures=True)
                trials.shutdown(wait=True)


def named(profile: DeviceProfile, profiles: Sequence[DeviceProfile], progress: Progress) -> Progress:
    """Progress that names the device, if there are several."""
    if len(profiles) == 1:
        return progress
    return lambda phase, done, total: progress(f"{profile.id}: {phase}", done, total)


def results_of(found: Mapping[str, Made | EdgekitError]) -> list[Made]:
    """The results in order; raises the error of a device that failed, which also holds the results of the others."""
    failed = {name: one for name, one in found.items() if isinstance(one, EdgekitError)}
    made = [one for one in found.values() if not isinstance(one, EdgekitError)]
    if not failed:
        return made
    error = next(iter(failed.values())) if len(found) == 1 else _combined_error(failed, len(found))
    error.finished, error.failed = tuple(made), failed
    raise error


def _combined_error(failed: Mapping[str, EdgekitError], count: int) -> EdgekitError:
    """One error, of the first one's kind, that says for each device what is wrong."""
    first = next(iter(failed.values()))
    lines = [f"\n    {name}: {_indented(problem)}" for name, problem in failed.items()]
    error = type(first)(f"{len(failed)} of {count} devices could not be built", received="".join(lines))
    if isinstance(error, LockError):
        differences = [problem.differences for problem in failed.values() if isinstance(problem, LockError)]
        error.differences = tuple(one for found in differences for one in found)
    return error


def _indented(problem: EdgekitError) -> str:
    return str(problem).replace("\n", "\n    ")
