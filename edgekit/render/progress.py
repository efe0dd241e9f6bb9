"""Progress on stderr: bars with the time left on a terminal, plain lines otherwise.

A phase is shown only once it has lasted two seconds, so that quick work stays silent; a finding is shown at once.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TextIO

from rich.console import RenderableType
from rich.progress import BarColumn, Progress, SpinnerColumn, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from edgekit.child import Progress as Report
from edgekit.findings.telling import FOUND
from edgekit.render.console import make_console
from edgekit.wording import seconds

SHOWN_AFTER_S = 2.0
LINE_EVERY_S = 10.0


@contextlib.contextmanager
def showing_progress(stream: TextIO) -> Iterator[Report]:
    """A progress callable that shows phases on a stream while the block runs; it may be called from any thread."""
    console = make_console(stream)
    if not console.is_terminal:
        yield PlainLines(lambda line: print(line, file=stream, flush=True))
        return
    with _LongPhases(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.completed}/{task.total}"),
        TimeRemainingColumn(elapsed_when_finished=True),
        console=console,
        transient=True,
    ) as bars:
        yield _Bars(bars)


class _LongPhases(Progress):
    """Bars of those phases only that have lasted long enough to be worth showing."""

    def get_renderables(self) -> Iterable[RenderableType]:
        yield self.make_tasks_table([task for task in self.tasks if _is_long(task)])


def _is_long(task: Task) -> bool:
    return (task.elapsed or 0.0) >= SHOWN_AFTER_S and not task.finished


class _Bars:
    """One bar a phase; a phase that starts again starts its clock again."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}
        self._lock = threading.Lock()

    def __call__(self, phase: str, done: int, total: int) -> None:
        if phase.startswith(FOUND):
            self._bars.print(Text(phase, style="yellow"))
            return
        with self._lock:
            if phase not in self._tasks:
                self._tasks[phase] = self._bars.add_task(phase, total=total or None)
            task = self._tasks[phase]
            self._bars.update(task, completed=done, total=total or None)
            if total and done >= total:
                self._bars.remove_task(self._tasks.pop(phase))


class PlainLines:
    """A line when a phase turns out to be long, one every ten seconds, and one at its end."""

    def __init__(self, write: Callable[[str], object], clock: Callable[[], float] = time.monotonic) -> None:
        self._write = write
        self._clock = clock
        self._phases: dict[str, tuple[float, float | None]] = {}
        self._lock = threading.Lock()

    def __call__(self, phase: str, done: int, total: int) -> None:
        if phase.startswith(FOUND):
            self._write(phase)
            return
        with self._lock:
            now = self._clock()
            started, shown = self._phases.setdefault(phase, (now, None))
            elapsed = now - started
            if total and done >= total:
                del self._phases[phase]
                if elapsed >= SHOWN_AFTER_S:
                    self._write(f"{phase}: done in {seconds(elapsed)}")
            elif elapsed >= SHOWN_AFTER_S and (shown is None or now - shown >= LINE_EVERY_S):
                self._phases[phase] = (started, now)
                self._write(f"{phase}: {_share(done, total)}{_time_left(elapsed, done, total)}")


def _share(done: int, total: int) -> str:
    return f"{done} of {total} ({done / total:.0%})" if total else f"{done}"


def _time_left(elapsed: float, done: int, total: int) -> str:
    """Time left at the pace so far; nothing where there is no pace yet."""
    return f", about {seconds(elapsed / done * (total - done))} left" if done and total else ""
