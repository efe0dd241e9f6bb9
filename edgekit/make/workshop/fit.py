"""Fine-tuning, the same for every technique and its control: same data, order, loss, search of rate and length, and selection.

A run is Adam with a learning rate that falls as a cosine, always from the same initial weights. At the end of each epoch,
and of the run, the technique's constraint is applied and the loss on the validation split is taken; a run that does not
improve stops. The model ends with the best weights of all runs.

With a time limit, the final run is planned as long as time allows, with a complete schedule. If the time ends before the
run does, the run stops and the best weights so far are kept. A technique that trains in rounds asks for shorter trainings in between: such a
one takes its share of the time that is left, and the learning rate that an earlier one has found.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from edgekit.errors import ProjectError
from edgekit.ingest.dataset import Dataset
from edgekit.make.workshop.curve import Curve
from edgekit.make.workshop.door import Door
from edgekit.make.workshop.features import Features, features_of
from edgekit.make.workshop.model_loss import ModelLoss
from edgekit.make.workshop.train_step import TrainStep
from edgekit.make.workshop.training_batches import TrainingBatches
from edgekit.make.workshop.tuning import SHARE, Run, search
from edgekit.make.workshop.unoptimized_graphs import unoptimized_graphs
from edgekit.progress import Progress
from edgekit.techniques.interface import Constraint

PATIENCE, PATIENT = 2, 0.25
"""A run stops after so many epochs without a better loss, or after this share of its epochs where that is longer: the loss falls last of all, when the rate does."""
LEAST_RATE = 0.01
"""The share of the learning rate that is left at the end of a run."""
LOOKED_AT = 512
"""So many training samples, or the few more that fill a batch, give a technique the loss and its gradients."""
USABLE = 0.9
"""The share of the remaining time that a final run is planned for: storing the model also takes time."""


class OutOfTime(Exception):
    """The time was over before the constraint was applied to any weights."""


class Fit:
    """How a technique trains a model: `fit` does it in place, `note` says afterwards how it was done.

    `until` is the end of the time, by `time.monotonic`; `cut` says afterwards what was shortened for lack of time, empty if
    nothing.
    """

    def __init__(
        self,
        tools: Door,
        dataset: Dataset,
        job: dict[str, Any],
        keepers: Callable[[Any], Sequence[Constraint]],
        progress: Progress,
        until: float = math.inf,
        curve: Curve | None = None,
    ) -> None:
        self._tools, self._dataset, self._job, self._keepers, self._progress = tools, dataset, job, keepers, progress
        self._until, self._curve = until, curve
        self._rate: float | None = None
        self._said: list[str] = []
        self.note = self.cut = ""

    def fit(self, model: Any, constraint: Callable[[int], Constraint] | None = None, *, share: float = 1.0) -> None:
        """Train a model in place by the best run; `share` is the part of the project's length, and of the time that is left.

        A part takes the learning rate that an earlier training of this technique found. Raises `DataError` if the loss cannot be computed,
        `ProjectError` if every run diverged, `OutOfTime` if none was judged in time.
        """
        batches = TrainingBatches(self._tools, self._dataset, model, self._job)
        features = features_of(self._tools, batches.learner, self._job) if self._job["training"].get("features") else ""
        trial = _Trial(self._tools, model, batches, features, self._progress, self._end(share))
        runs: list[Run] = []

        def try_run(rate: float, steps: int) -> float:
            trial.restart()
            constraints = [*self._keepers(model), *([constraint(steps)] if constraint is not None else [])]
            is_last = share >= 1 and (fixed is not None or steps > probe)
            runs.append(Run(rate, steps, trial.run(rate, steps, constraints, self._curve if is_last else None)))
            if trial.cut_at is not None:
                raise OutOfTime
            return runs[-1].loss

        settings = self._job["training"]
        whole = max(1, settings["epochs"] * batches.steps_per_epoch)
        longest = max(1, round(share * whole))
        fixed = settings["learning_rate"] or (self._rate if share < 1 else None)
        probe = max(1, whole // SHARE)
        try:
            with unoptimized_graphs(self._tools, longest):
                search(try_run, longest=longest, fixed_rate=fixed, affordable=trial.affordable, probe=probe)
        except OutOfTime:
            if not trial.has_weights:
                raise
        trial.take_best()
        self._rate = min(runs, key=lambda run: run.loss).learning_rate
        self.cut = _shortened(runs, trial.cut_at, longest) or self.cut
        self.note = "; ".join(
            filter(None, (*self._said, _description(runs, batches, settings), _of(features), self.cut))
        )

    def loss(self, model: Any) -> float:
        """The mean loss on some hundred training samples, always the same ones; infinite if it is not finite."""
        batches = TrainingBatches(self._tools, self._dataset, model, self._job)
        judge = ModelLoss(self._tools, batches.learner, batches.losses)
        parts = [(len(targets[0]), judge.loss(inputs, targets)) for inputs, targets in self._looked_at(batches)]
        loss = sum(count * value for count, value in parts) / sum(count for count, _ in parts)
        return loss if math.isfinite(loss) else math.inf

    def gradients(self, model: Any, weights: Sequence[Any]) -> Iterator[Sequence[np.ndarray]]:
        """The gradient of that loss by each of these weights, on one batch of those samples after another."""
        batches = TrainingBatches(self._tools, self._dataset, model, self._job)
        return ModelLoss(self._tools, batches.learner, batches.losses).gradients(self._looked_at(batches), weights)

    def say(self, what: str) -> None:
        """Put something about how the model was made before the note of its training."""
        self._said.append(what)

    def _end(self, share: float) -> float:
        """When a training that takes a share of the time that is left has to end."""
        if share >= 1 or math.isinf(self._until):
            return self._until
        now = time.monotonic()
        return now + share * max(0.0, self._until - now)

    def _looked_at(self, batches: TrainingBatches) -> Iterator[tuple[list[Any], list[Any]]]:
        wanted = -(-LOOKED_AT // self._job["training"]["batch_size"])
        return (batches.batch(step, varied=False) for step in range(min(wanted, batches.steps_per_epoch)))


class _Trial:
    """Runs on one model, and the best weights of all of them; `cut_at` is the step at which the time was over."""

    def __init__(
        self,
        tools: Door,
        model: Any,
        batches: TrainingBatches,
        features: Features | str,
        progress: Progress,
        until: float,
    ) -> None:
        self._model, self._batches, self._progress = model, batches, progress
        self._features = features if isinstance(features, Features) else None
        self._judge = ModelLoss(tools, batches.learner, batches.losses)
        self._train_step = (
            TrainStep(tools, batches.learner, batches.losses)
            if self._features is None
            else TrainStep(tools, self._features.learner, [*batches.losses, *self._features.losses])
        )
        self._first = self._best = model.get_weights()
        self._least = self._step_s = math.inf
        self._until = until
        self.cut_at: int | None = None

    @property
    def has_weights(self) -> bool:
        """Whether any weights were judged with the constraint applied."""
        return math.isfinite(self._least)

    def affordable(self) -> float:
        """The steps that there is time for, by the fastest run so far; infinite without a time limit, or before the first run."""
        if math.isinf(self._until) or math.isinf(self._step_s):
            return math.inf
        return max(0.0, USABLE * (self._until - time.monotonic()) / self._step_s)

    def restart(self) -> None:
        """Back to the weights before the first run."""
        self._model.set_weights(self._first)
        self._train_step.restart()

    def take_best(self) -> None:
        """Give the model the best weights; raises `ProjectError` where every run diverged."""
        if not self.has_weights:
            raise ProjectError("the training diverged with every learning rate that was tried", where="[training]")
        self._model.set_weights(self._best)

    def run(self, rate: float, steps: int, constraints: Sequence[Constraint], curve: Curve | None = None) -> float:
        """Train for `steps` steps, or until the loss stops improving or the time is over; returns the best loss on the validation split.

        Raises `Hopeless` where the `curve` says that the rest of the steps cannot be enough.
        """
        started, per_epoch = time.monotonic(), self._batches.steps_per_epoch
        whole_after = max((constraint.whole_after for constraint in constraints), default=0)
        phase = f"training {steps / per_epoch:.3g} epochs at {rate:.0e}"
        best, worse, patience = math.inf, 0, max(PATIENCE, round(PATIENT * steps / per_epoch))
        _after(constraints, 0)
        for step in range(1, steps + 1):
            self._train_step.step(*self._batch(step - 1), rate * _falling(step, steps))
            _after(constraints, step)
            self._progress(phase, step, steps)
            is_over = step < steps and time.monotonic() >= self._until
            if step == steps or (step >= whole_after and (is_over or step % per_epoch == 0)):
                loss = self._judged(constraints)
                best, worse = (loss, 0) if loss < best else (best, worse + 1)
                if worse >= patience or not math.isfinite(loss):
                    break
                if curve is not None and not is_over and step < steps:
                    curve.see(self._batches, step, steps)
            if is_over:
                self.cut_at = step
                break
        self._step_s = min(self._step_s, (time.monotonic() - started) / step)
        return best

    def _batch(self, step: int) -> tuple[list[Any], list[Any]]:
        """Inputs and targets of a step, those of features among them."""
        inputs, targets = self._batches.batch(step)
        return inputs, targets if self._features is None else [*targets, *self._features.targets(inputs)]

    def _judged(self, constraints: Sequence[Constraint]) -> float:
        """The loss on the validation split with the constraint applied; infinite if it is not finite."""
        for constraint in constraints:
            constraint.settle()
        parts = [(count, self._judge.loss(inputs, targets)) for count, inputs, targets in self._batches.judged()]
        loss = sum(count * value for count, value in parts) / sum(count for count, _ in parts)
        if not math.isfinite(loss):
            return math.inf
        if loss < self._least:
            self._least, self._best = loss, self._model.get_weights()
        return loss


def _after(constraints: Sequence[Constraint], step: int) -> None:
    for constraint in constraints:
        constraint.after_step(step)


def _falling(step: int, steps: int) -> float:
    """The share of the learning rate at a step: half a cosine, down to its final share."""
    return LEAST_RATE + (1 - LEAST_RATE) * (1 + math.cos(math.pi * (step - 1) / steps)) / 2


def _description(runs: Sequence[Run], batches: TrainingBatches, settings: dict[str, Any]) -> str:
    """How it was trained, in a sentence."""
    best = min(runs, key=lambda run: run.loss)
    rates = ", ".join(f"{rate:.0e}" for rate in sorted({run.learning_rate for run in runs}))
    ways = "".join(f"; {one}" for one in (batches.teaching, batches.varied) if one)
    return (
        f"learning rate {best.learning_rate:.0e} (of {rates}), {best.steps / batches.steps_per_epoch:.3g} epochs (of "
        f"{settings['epochs']}), validation loss {best.loss:.4g}{ways}"
    )


def _of(features: Features | str) -> str:
    """Which inner tensors of the float model are targets too, in words; why none is, where they were asked for."""
    if isinstance(features, Features):
        return f"features of the float model's inner tensors: {features.told}"
    return features and f"no features of the float model: {features}"


def _shortened(runs: Sequence[Run], cut_at: int | None, longest: int) -> str:
    """What was shortened for lack of time, in words; empty if nothing."""
    last = runs[-1]
    if cut_at is not None:
        return f"stopped by the time budget at step {cut_at} of {last.steps}"
    if len(runs) > 1 and last.steps < longest:
        return f"shortened by the time budget to {last.steps} steps of {longest}"
    return ""
