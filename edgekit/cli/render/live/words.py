"""A build's state in words, the same on a terminal and in a notebook."""

from __future__ import annotations

from edgekit.cli.render.live.state import Device, Phase, State
from edgekit.verdict.wording import costs, seconds

ON_TEST = "judging on the test split"
TITLES = {"accuracy_drop": "drop"}
"""The heads of the columns that are not called as their metric."""
STARTING = Phase(name="starting")
WORDS = {
    "pass": "passes",
    "fail": "fails a check",
    "failed": "gave no file",
    "control": "control",
    "skipped": "is left",
}


def heading(state: State) -> str:
    """The devices of the build."""
    if not state.devices:
        return "edgekit"
    if len(state.devices) > 1:
        over = sum(device.state in ("pass", "fail", "failed") for device in state.devices.values())
        return f"{over} of {len(state.devices)} devices done"
    (identity, device), *_ = state.devices.items()
    return f"{device.name} ({identity})" if device.name and device.name != identity else identity


def doing(device: Device) -> tuple[str, Phase | None]:
    """What is being done for a device, and how far that is."""
    if device.running:
        candidate, phase = list(device.running.items())[-1]
        others = f" and {len(device.running) - 1} more" if len(device.running) > 1 else ""
        what = f", {phase.name}" if phase else ""
        return f"trial {device.number} of {device.known} known: {candidate}{others}{what}", phase
    if device.state == "on test":
        return ON_TEST + (f", {device.phase.name}" if device.phase else ""), device.phase
    if device.state == "searching":
        return device.phase.name if device.phase else "choosing what to try", device.phase
    return device.state, None


def best(device: Device) -> str:
    """The best candidate so far with its figures; empty if none passed yet."""
    return f"{device.best}: {costs(device.metrics)}" if device.best else ""


def tried(device: Device) -> str:
    """The outcomes of the candidates so far."""
    return ", ".join(f"{name} {WORDS[outcome]}" for name, outcome in device.tried)


def left_to_try(left_s: float) -> str:
    """The estimate of what the search still takes."""
    return f"about {seconds(left_s)} left to try"


def time_left(state: State, elapsed_s: float) -> str:
    """The time passed, the estimated rest of the search, and the time budget."""
    parts = [f"{seconds(elapsed_s)} so far"]
    searching = [device for device in state.devices.values() if device.state in ("waiting", "searching")]
    known = [device.left_s for device in searching]
    if searching and all(left is not None for left in known):
        parts.append(left_to_try(sum(left for left in known if left is not None)))
    if searching and state.time_budget_s is not None:
        parts.append(f"{seconds(max(0.0, state.time_budget_s - elapsed_s))} of the time budget left")
    return ", ".join(parts)
