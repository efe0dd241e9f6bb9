"""A build in a notebook: a small block of HTML that is updated as the build goes on, and stays in its last state."""

from __future__ import annotations

import contextlib
import html
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from edgekit.cli.render.live.state import Device, Phase, State
from edgekit.cli.render.live.words import STARTING, TITLES, best, doing, heading, time_left, tried
from edgekit.documents.events import Event
from edgekit.verdict.phrases import shown
from edgekit.verdict.wording import ABSENT, SUMMED

EVERY_S = 0.5


class Handle(Protocol):
    """IPython's handle of something that is displayed, by which it can be replaced."""

    def update(self, shown: Any) -> None:
        """Show this instead."""
        ...


class Block:
    """Text that IPython shows as HTML."""

    def __init__(self, text: str) -> None:
        self._text = text

    def _repr_html_(self) -> str:
        return self._text


class Notebook:
    """Shows a state through a handle, at most twice a second; `progress` and `on_event` may be called from any thread."""

    def __init__(self, display: Callable[[Block], Handle], clock: Callable[[], float] = time.monotonic) -> None:
        self._state, self._lock, self._clock, self._began = State(), threading.Lock(), clock, clock()
        self._handle = display(Block(self.view()))
        self._stopped = threading.Event()
        self._ticker = threading.Thread(target=self._tick, daemon=True)

    @contextlib.contextmanager
    def ticking(self) -> Iterator[Notebook]:
        """Update the display during the block, and once more at the end; for a call that is not a build it is then emptied."""
        self._ticker.start()
        try:
            yield self
        finally:
            self._stopped.set()
            self._ticker.join()
            self._handle.update(Block(self.view() if self._state.devices else ""))

    def progress(self, phase: str, done: int, total: int) -> None:
        """A phase goes on."""
        with self._lock:
            self._state.progress(phase, done, total)

    def on_event(self, event: Event) -> None:
        """An event of a build."""
        with self._lock:
            self._state.event(event)

    def view(self) -> str:
        """The whole display, as HTML."""
        with self._lock:
            state, elapsed = self._state, self._clock() - self._began
            known = [device for device in state.devices.values() if device.state != "waiting"]
            if not known:
                body = _row("now", (state.phase or STARTING).name, _bar(state.phase))
            elif len(state.devices) == 1:
                body = _one(known[0])
            else:
                body = _table(state)
            return f"<div><b>{_text(heading(state))}</b><table>{body}</table><small>{_text(time_left(state, elapsed))}</small></div>"

    def _tick(self) -> None:
        while not self._stopped.wait(EVERY_S):
            self._handle.update(Block(self.view()))


def _one(device: Device) -> str:
    what, phase = doing(device)
    rows = _row("done", f"{device.state}: {device.told}") if device.told else _row("now", what, _bar(phase))
    rows += _row("best", found) if (found := best(device)) and not device.told else ""
    return rows + (_row("tried", told) if (told := tried(device)) else "")


def _table(state: State) -> str:
    rows = _row("", "", "best", *(TITLES.get(name, name) for name in SUMMED), cell="th")
    for identity, device in state.devices.items():
        figures = [shown(name, device.metrics.get(name)) for name in SUMMED]
        rows += _row(identity, doing(device)[0], device.best or ABSENT, *figures)
    return rows


def _row(*cells: str, cell: str = "td") -> str:
    inner = "".join(
        f'<{cell} style="text-align:left">{one if one.startswith("<progress") else _text(one)}</{cell}>'
        for one in cells
    )
    return f"<tr>{inner}</tr>"


def _bar(phase: Phase | None) -> str:
    return f'<progress max="{phase.total}" value="{phase.done}"></progress>' if phase and phase.total else ""


def _text(value: str) -> str:
    return html.escape(value)
