"""Fine-tuning as every technique and its control get it: same data, order, loss, search of rate and length, and judge.

A run is Adam with a learning rate that falls as a cosine, from the same weights each time. At the end of each epoch, and
of the run, the technique's form is put right and the loss on the validation split is taken; a run that does not get
better stops. The best weights of all runs are those that the model has in the end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from edgekit.child import Progress
from edgekit.dataset import Dataset
from edgekit.errors import ProjectError
from edgekit.techniques.interface import Shaping
from edgekit.workshop.door import Door
from edgekit.workshop.lessons import Lessons
from edgekit.workshop.stepper import Stepper
from edgekit.workshop.tuning import Run, search

PATIENCE = 2
"""Epochs without a better loss after which a run stops."""
LEAST_RATE = 0.01
"""The share of the learning rate that is left at the end of a run."""


class Fit:
    """How a technique trains a model: `fit` does it in place, `note` says afterwards how it was done."""

    def __init__(
        self,
        tools: Door,
        dataset: Dataset,
        job: dict[str, Any],
        keepers: Callable[[Any], Sequence[Shaping]],
        progress: Progress,
    ) -> None:
        self._tools, self._dataset, self._job, self._keepers, self._progress = tools, dataset, job, keepers, progress
        self.note = ""

    def fit(self, model: Any, shaping: Callable[[int], Shaping] | None = None) -> None:
        """Train a model in place by the best run; raises `DataError` where the loss cannot be computed."""
        lessons = Lessons(self._tools, self._dataset, model, self._job)
        trial = _Trial(model, Stepper(self._tools, lessons.learner, lessons.losses), lessons, self._progress)

        def try_run(rate: float, steps: int) -> float:
            trial.restart()
            shapings = [*self._keepers(model), *([shaping(steps)] if shaping is not None else [])]
            return trial.run(rate, steps, shapings)

        settings = self._job["training"]
        longest = max(1, settings["epochs"] * lessons.steps_per_epoch)
        runs = search(try_run, longest=longest, fixed_rate=settings["learning_rate"])
        trial.take_best()
        self.note = _told(runs, lessons, settings)


class _Trial:
    """Runs on one model, and the best weights of all of them."""

    def __init__(self, model: Any, stepper: Stepper, lessons: Lessons, progress: Progress) -> None:
        self._model, self._stepper, self._lessons, self._progress = model, stepper, lessons, progress
        self._first = self._best = model.get_weights()
        self._least = math.inf

    def restart(self) -> None:
        """Back to the weights before the first run."""
        self._model.set_weights(self._first)
        self._stepper.restart()

    def take_best(self) -> None:
        """Give the model the best weights; raises `ProjectError` where every run diverged."""
        if not math.isfinite(self._least):
            raise ProjectError("the training diverged with every learning rate that was tried", where="[training]")
        self._model.set_weights(self._best)

    def run(self, rate: float, steps: int, shapings: Sequence[Shaping]) -> float:
        """Train for so many steps, or until it gets no better; the best loss on the validation split."""
        per_epoch = self._lessons.steps_per_epoch
        whole_after = max((shaping.whole_after for shaping in shapings), default=0)
        phase = f"training {steps / per_epoch:.3g} epochs at {rate:.0e}"
        best, worse = math.inf, 0
        _after(shapings, 0)
        for step in range(1, steps + 1):
            self._stepper.step(*self._lessons.batch(step - 1), rate * _falling(step, steps))
            _after(shapings, step)
            self._progress(phase, step, steps)
            if step < steps and (step % per_epoch or step < whole_after):
                continue
            loss = self._judged(shapings)
            best, worse = (loss, 0) if loss < best else (best, worse + 1)
            if worse >= PATIENCE or not math.isfinite(loss):
                break
        return best

    def _judged(self, shapings: Sequence[Shaping]) -> float:
        """The loss on the validation split with the form put right; infinite where it is no number."""
        for shaping in shapings:
            shaping.settle()
        parts = [(count, self._stepper.loss(inputs, targets)) for count, inputs, targets in self._lessons.judged()]
        loss = sum(count * value for count, value in parts) / sum(count for count, _ in parts)
        if not math.isfinite(loss):
            return math.inf
        if loss < self._least:
            self._least, self._best = loss, self._model.get_weights()
        return loss


def _after(shapings: Sequence[Shaping], step: int) -> None:
    for shaping in shapings:
        shaping.after_step(step)


def _falling(step: int, steps: int) -> float:
    """The share of the learning rate at a step: half a cosine, down to what is left at the end."""
    return LEAST_RATE + (1 - LEAST_RATE) * (1 + math.cos(math.pi * (step - 1) / steps)) / 2


def _told(runs: Sequence[Run], lessons: Lessons, settings: dict[str, Any]) -> str:
    """How it was trained, in a sentence."""
    best = min(runs, key=lambda run: run.loss)
    rates = ", ".join(f"{rate:.0e}" for rate in sorted({run.learning_rate for run in runs}))
    teacher = f"; distilled from the float model at temperature {settings['temperature']:g}" * lessons.is_distilled
    return (
        f"learning rate {best.learning_rate:.0e} (of {rates}), {best.steps / lessons.steps_per_epoch:.3g} epochs (of "
        f"{settings['epochs']}), validation loss {best.loss:.4g}{teacher}{f'; {lessons.varied}' if lessons.varied else ''}"
    )
