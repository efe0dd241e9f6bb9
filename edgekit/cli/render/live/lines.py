"""A build as lines of a log: the outcome of each candidate, and an occasional line on what takes long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from edgekit.cli.render.live.words import ON_TEST, WORDS, left_to_try
from edgekit.documents.events import Best, Event, Failed, Finished, Judging, Started, TrialFinished
from edgekit.verdict.wording import FOUND, costs, seconds
from edgekit.watching.estimate import PhasePace

SHOWN_AFTER_S = 2.0
LINE_EVERY_S = 10.0


class PlainLines:
    """For a phase that takes long: a line when that is noticed, one every ten seconds, and one at its end. One line for each trial."""

    def __init__(self, write: Callable[[str], object], clock: Callable[[], float] = time.monotonic) -> None:
        self._write, self._clock = write, clock
        self._phases: dict[str, tuple[float, float | None]] = {}
        self._pace = PhasePace()
        self._lock = threading.Lock()

    def __call__(self, phase: str, done: int, total: int) -> None:
        self.progress(phase, done, total)

    def progress(self, phase: str, done: int, total: int) -> None:
        """A phase goes on; a finding is written at once."""
        if phase.startswith(FOUND):
            self._write(phase)
            return
        with self._lock:
            now = self._clock()
            started, shown = self._phases.setdefault(phase, (now, None))
            elapsed = now - started
            left_s = self._pace.left_s(phase, done, total, now=now)
            if total and done >= total:
                del self._phases[phase]
                self._pace.over(phase)
                if elapsed >= SHOWN_AFTER_S:
                    self._write(f"{phase}: done in {seconds(elapsed)}")
            elif elapsed >= SHOWN_AFTER_S and (shown is None or now - shown >= LINE_EVERY_S):
                self._phases[phase] = (started, now)
                left = f", about {seconds(left_s)} left" if left_s is not None else ""
                self._write(f"{phase}: {_share(done, total)}{left}")

    def on_event(self, event: Event) -> None:
        """An event of a build."""
        line = _line(event)
        if line:
            with self._lock:
                self._write(line)


def _line(event: Event) -> str:
    """The line for an event; empty if it is not worth one."""
    if isinstance(event, Started):
        return f"building for {', '.join(event.devices)}, within {seconds(event.time_budget_s)}"
    if isinstance(event, TrialFinished):
        left = f"; {left_to_try(event.left_s)}" if event.left_s else ""
        why = f" ({event.reason})" if event.reason and event.outcome in ("fail", "failed", "skipped") else ""
        figures = f", {costs(event.metrics)}" if event.metrics else ""
        return (
            f"{event.device}: trial {event.number} of {event.known} known, {event.candidate} {WORDS[event.outcome]}{why}"
            f"{figures}, in {seconds(event.took_s)}{left}"
        )
    if isinstance(event, Best):
        return f"{event.device}: best so far is {event.candidate}"
    if isinstance(event, Judging):
        return f"{event.device}: {ON_TEST}"
    if isinstance(event, Finished):
        return f"{event.device}: {event.outcome}; the page is {event.paths['page']}"
    return f"{event.device}: failed: {event.message}" if isinstance(event, Failed) else ""


def _share(done: int, total: int) -> str:
    return f"{done} of {total} ({done / total:.0%})" if total else f"{done}"
