"""A build on a terminal: a few lines that change in place and disappear at the end; several devices as a table."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from edgekit.cli.render.console import figures_table, outcome_text
from edgekit.cli.render.live.state import Device, Phase, State
from edgekit.cli.render.live.words import STARTING, TITLES, best, doing, heading, time_left, tried
from edgekit.documents.events import Event
from edgekit.verdict.phrases import shown
from edgekit.verdict.wording import ABSENT, FOUND, SUMMED

BAR_WIDTH = 24
PER_SECOND = 5
SHOWN_AFTER_S = 0.5  # what is done sooner shows nothing


class Screen:
    """Shows a state until it is closed; `progress` and `on_event` may be called from any thread."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._state, self._lock, self._clock, self._began = State(), threading.Lock(), clock, clock()
        self._spinner = Spinner("dots")
        self._live = Live(
            get_renderable=self.view, console=console, refresh_per_second=PER_SECOND, transient=True, redirect_stdout=False
        )  # fmt: skip

    def __enter__(self) -> Screen:
        self._live.start(refresh=True)
        return self

    def __exit__(self, *exc: object) -> None:
        self._live.stop()

    def progress(self, phase: str, done: int, total: int) -> None:
        """A phase goes on; a finding is printed above the changing lines, and stays."""
        if phase.startswith(FOUND):
            self._live.console.print(Text(phase, style="yellow"))
            return
        with self._lock:
            self._state.progress(phase, done, total)

    def on_event(self, event: Event) -> None:
        """An event of a build."""
        with self._lock:
            self._state.event(event)

    def view(self) -> RenderableType:
        """The whole display."""
        with self._lock:
            state, elapsed_s = self._state, self._clock() - self._began
            if elapsed_s < SHOWN_AFTER_S:
                return Text()
            elapsed = Text(time_left(state, elapsed_s), style="dim")
            searching = [device for device in state.devices.values() if device.state != "waiting"]
            if not searching:
                return Group(self._line(heading(state), state.phase or STARTING), elapsed)
            parts = _one(searching[0]) if len(state.devices) == 1 else [_table(state)]
            return Group(self._titled(Text(heading(state), style="bold")), *parts, elapsed)

    def _line(self, title: str, phase: Phase) -> RenderableType:
        return self._titled(Text.assemble((title, "bold"), "  ", phase.name), _bar(phase))

    def _titled(self, text: Text, *more: RenderableType) -> Table:
        return _row(self._spinner, text, *more)


def _one(device: Device) -> list[RenderableType]:
    """The lines for a build of a single device."""
    what, phase = doing(device)
    rows = [_row(Text("now"), Text(what), _bar(phase))]
    rows += [_row(Text("best"), Text(found))] if (found := best(device)) else []
    rows += [_row(Text("tried"), Text(told))] if (told := tried(device)) else []
    return list(rows)


def _row(*cells: RenderableType) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(min_width=5)
    table.add_row(*cells)
    return table


def _bar(phase: Phase | None) -> RenderableType:
    """How far a phase is: a bar and a count; only the count if the total is not known; nothing for a single step."""
    if phase is None or not (phase.total or phase.done):
        return Text()
    if not phase.total:
        return Text(str(phase.done))
    if phase.total == 1:
        return Text()
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_row(
        ProgressBar(total=phase.total, completed=phase.done, width=BAR_WIDTH), Text(f"{phase.done}/{phase.total}")
    )
    return grid


def _table(state: State) -> Table:
    """A row for each device: what is being done for it, and its best candidate so far with its figures."""
    table = figures_table(
        ("", "left"), ("", "left"), ("best", "left"), *((TITLES.get(name, name), "right") for name in SUMMED)
    )  # fmt: skip
    for identity, device in state.devices.items():
        figures = [shown(name, device.metrics.get(name)) for name in SUMMED]
        over = device.state in ("pass", "fail", "failed")
        now = outcome_text(device.state) if over else Text(doing(device)[0])
        table.add_row(Text(identity, style="bold"), now, Text(device.best or ABSENT), *figures)
    return table
