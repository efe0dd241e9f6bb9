"""The notes of a build's report: the choice held against what it was chosen from, and what the trials remarked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from edgekit.planner.schedules import schedule_notes, steps_of
from edgekit.planner.trial import Trial, figure
from edgekit.search.trials import Finished, TrialRunner
from edgekit.units import format_ms, format_size

FAITHFUL = 0.99
"""A float32 file that agrees less than this with the Keras model gets a warning; rounding alone stays far above."""
LEANER = 2.0
"""A candidate that passes and needs this many times less RAM than the chosen one gets a note."""


def notes_of(
    finished: Sequence[Finished], picked: Trial | None, reasons: Mapping[str, str], runner: TrialRunner
) -> tuple[str, ...]:
    """All notes on a search; `reasons` says of each passing trial that is not chosen why it was not, the runner-up first."""
    return (
        *_runner_up(picked, reasons),
        *_told_of(picked, finished),
        *_remarks(finished, runner),
        *trade(finished, picked, runner.project.goal.currency),
        *schedule_notes([one.trial.candidate for one in finished], _steps(runner)),
    )


def _runner_up(picked: Trial | None, reasons: Mapping[str, str]) -> list[str]:
    """Why the chosen candidate was chosen over the runner-up."""
    if picked is None or not picked.passes or not reasons:
        return []
    other, reason = next(iter(reasons.items()))
    return [f"{picked.candidate.name} was chosen over {other}, which {reason}"]


def _told_of(picked: Trial | None, finished: Sequence[Finished]) -> list[str]:
    """What the techniques of the chosen candidate have to say of its file, each with how it was trained."""
    if picked is None:
        return []
    trained = {one.trial.candidate.name: one.training for one in finished}[picked.candidate.name]
    notes = []
    for step in picked.candidate.steps:
        told, own = step.technique.told(step.settings), f"{step.technique.name}: "
        how = [line.removeprefix(own) for line in trained if line.startswith(own)]
        notes += (
            [f"{picked.candidate.name}: {told}" + "".join(f" (trained with {line})" for line in how)] if told else []
        )
    return notes


def _remarks(finished: Sequence[Finished], runner: TrialRunner) -> tuple[str, ...]:
    """What data, model and trials remarked, each once."""
    notes = [*runner.dataset.notes, *runner.notes]
    for found in finished:
        notes += [note for note in found.notes if note not in notes]
        notes += [note for note in (found.measured.notes if found.measured else ()) if note not in notes]
    return (*_unfaithful_baseline(finished), *notes, *_beside_control(finished))


def trade(finished: Sequence[Finished], picked: Trial | None, currency: str | None) -> list[str]:
    """A note where a candidate with half of the chosen one's RAM passes too: the goal's metric decided and does not show that."""
    if picked is None or not picked.passes or currency in (None, "ram"):
        return []
    show = format_ms if currency == "latency" else format_size
    others = [found.trial for found in finished if found.trial.passes and found.trial.candidate.role == "candidate"]
    mine = figure(picked, "ram")
    leaner = [trial for trial in others if math.isfinite(mine) and figure(trial, "ram") * LEANER <= mine]
    if not leaner:
        return []
    other = min(leaner, key=lambda trial: (figure(trial, currency), trial.candidate.name))
    ram, cost = format_size(figure(other, "ram")), figure(other, currency)
    return [
        f"{picked.candidate.name} was chosen by its {currency}, {show(figure(picked, currency))}, and takes {format_size(mine)} of ram; "
        f"{other.candidate.name} passes too, with {ram} of ram and {show(cost)} of {currency}"
    ]


def _unfaithful_baseline(finished: Sequence[Finished]) -> list[str]:
    """A warning where the converter alone already changed the model, which no drop from the baseline can show."""
    base = next((found for found in finished if found.trial.candidate.role == "baseline"), None)
    if base is None or (agreed := figure(base.trial, "agreement")) >= FAITHFUL:
        return []
    return [
        f"warning: the float32 .tflite agrees with the Keras model to {agreed:.1%} only "
        f"({base.trial.metrics['agreement'].source}): the converter changed the model, and drops are counted from that"
    ]


def _beside_control(finished: Sequence[Finished]) -> list[str]:
    """What each technique gains or costs beyond its control, which was trained as long without it."""
    drops = {found.trial.candidate.name: figure(found.trial, "accuracy_drop") for found in finished}
    lines = []
    for found in finished:
        name, other = found.trial.candidate.name, found.trial.candidate.control
        mine, theirs = drops[name], drops.get(other or "", math.inf)
        if math.inf not in (mine, theirs):
            lines.append(
                f"on validation {name} {_change(mine)}, its control {other} {_change(theirs)}: the technique itself "
                f"{_gave(mine - theirs)}"
            )
    return lines


def _change(points: float) -> str:
    return f"gains {-points:.2f} points" if points < 0 else f"loses {points:.2f} points"


def _gave(points: float) -> str:
    return (
        f"cost {points:.2f} points" if points > 0 else f"gained {-points:.2f} points" if points < 0 else "cost nothing"
    )


def _steps(runner: TrialRunner) -> int:
    """The steps of a whole training."""
    training = runner.project.training
    samples = runner.dataset.splits["train"].samples
    return steps_of(epochs=training.epochs, samples=samples, batch_size=training.batch_size)
