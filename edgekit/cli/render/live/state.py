"""The state of a build, from its events and its progress: every device, what is tried, the best so far, the time left.

It reads no clock and draws nothing. A phase belongs to a trial, a device or the build as a whole, and is replaced by the
next phase of the same, so that no finished phase stays on display.
"""

from __future__ import annotations

import dataclasses

from edgekit.documents.events import (
    Best,
    Ended,
    Event,
    Failed,
    Finished,
    Judging,
    Searching,
    Started,
    TrialFinished,
    TrialStarted,
)
from edgekit.documents.report import Metrics


@dataclasses.dataclass(frozen=True, kw_only=True)
class Phase:
    """What is being done: `total` is 0 if it is not known."""

    name: str
    done: int = 0
    total: int = 0


@dataclasses.dataclass(kw_only=True)
class Device:
    """One device: the phases that run for it, and its results so far."""

    name: str = ""
    state: str = "waiting"
    phase: Phase | None = None
    running: dict[str, Phase | None] = dataclasses.field(default_factory=dict)
    number: int = 0
    known: int = 0
    tried: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    best: str = ""
    metrics: Metrics = dataclasses.field(default_factory=dict)
    left_s: float | None = None
    told: str = ""


class State:
    """The state of a build; it is not thread-safe."""

    def __init__(self) -> None:
        self.devices: dict[str, Device] = {}
        self.phase: Phase | None = None
        self.time_budget_s: float | None = None
        self.is_ended = False

    def progress(self, name: str, done: int, total: int) -> None:
        """A phase goes on; once it is done it is removed."""
        device_id, name = self._device_of(name)
        phase = None if total and done >= total else Phase(name=name, done=done, total=total)
        device = self.devices.get(device_id)
        if device is None:
            self.phase = phase
            return
        candidate = next((one for one in device.running if name.startswith(f"{one}: ")), None)
        if candidate is None:
            device.phase = phase
        else:
            own = phase and dataclasses.replace(phase, name=name.removeprefix(f"{candidate}: "))
            device.running[candidate] = own

    def _device_of(self, name: str) -> tuple[str, str]:
        """The device of a phase and the phase's own name; with several devices the name begins with the device."""
        for device in self.devices:
            if name.startswith(f"{device}: "):
                return device, name.removeprefix(f"{device}: ")
        only = next(iter(self.devices), "") if len(self.devices) == 1 else ""
        return (only if only and self.devices[only].state != "waiting" else ""), name

    def event(self, event: Event) -> None:
        """An event of a build."""
        if isinstance(event, Started):
            self.devices = {device: Device() for device in event.devices}
            self.time_budget_s = event.time_budget_s
        elif isinstance(event, Ended):
            self.is_ended, self.phase = True, None
        elif (device := self.devices.get(getattr(event, "device", ""))) is not None:
            _told(device, event)


def _told(device: Device, event: Event) -> None:
    if isinstance(event, Searching):
        device.name, device.state, device.known = event.name, "searching", len(event.candidates)
    elif isinstance(event, TrialStarted):
        device.running[event.candidate] = None
        device.number, device.known, device.left_s = event.number, event.known, event.left_s
    elif isinstance(event, TrialFinished):
        device.running.pop(event.candidate, None)
        device.tried.append((event.candidate, event.outcome))
        device.known, device.left_s = event.known, event.left_s
    elif isinstance(event, Best):
        device.best, device.metrics = event.candidate, event.metrics
    elif isinstance(event, Judging):
        device.state, device.phase, device.left_s = "on test", None, None
        device.running.clear()
    elif isinstance(event, Finished):
        device.state, device.phase, device.told = event.outcome, None, event.summary
        device.best, device.metrics = event.candidate or device.best, event.metrics or device.metrics
    elif isinstance(event, Failed):
        device.state, device.phase, device.told = "failed", None, event.message
        device.running.clear()
