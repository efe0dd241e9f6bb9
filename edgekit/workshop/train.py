"""The job `train`: one technique's training on a model, checked, stripped and stored for conversion."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgekit.candidate import Step
from edgekit.child import Progress
from edgekit.dataset import Dataset
from edgekit.errors import DataError
from edgekit.techniques import technique
from edgekit.values import read, to_builtins
from edgekit.workshop.door import Door, door
from edgekit.workshop.feed import training_sequence
from edgekit.workshop.loss import make_loss
from edgekit.workshop.store import open_model, save_model, settings_of


class Fit:
    """Fine-tuning as every technique and its control get it: same data, order, loss, length and learning rate."""

    def __init__(self, tools: Door, dataset: Dataset, job: dict[str, Any], progress: Progress) -> None:
        self._tools, self._dataset, self._job, self._progress = tools, dataset, job, progress
        training = job["training"]
        self._epochs, self._batch = training["epochs"], training["batch_size"]
        self.steps = self._epochs * -(-dataset.splits["train"].samples // self._batch)

    def fit(self, model: Any, callbacks: Sequence[Any] = ()) -> None:
        """Train in place for `steps` steps; raises `DataError` where the loss does not fit the data."""
        tools, job = self._tools, self._job
        batches = training_sequence(tools, self._dataset, batch_size=self._batch, seed=job["seed"], model=model)
        optimizer = tools.keras.optimizers.Adam(job["training"]["learning_rate"], jit_compile=False)
        losses = [make_loss(tools, text) for text in job["losses"]]
        model.compile(optimizer=optimizer, loss=losses if len(losses) > 1 else losses[0])
        try:
            model.fit(batches, epochs=self._epochs, verbose=0, shuffle=False, callbacks=[*callbacks, self._reporter()])
        except (ValueError, tools.tf.errors.InvalidArgumentError) as problem:
            raise DataError(
                "the loss cannot be computed on this data", where="training.loss", received=f"{', '.join(job['losses'])}: {problem}"[:400],
                next_step="set loss in [training] to one that fits the targets",
            ) from problem  # fmt: skip

    def _reporter(self) -> Any:
        steps, progress = self.steps, self._progress

        class Report(self._tools.keras.callbacks.Callback):  # type: ignore[misc,name-defined]
            done = 0

            def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
                self.done += 1
                progress("training", self.done, steps)

        return Report()


def train(job: dict[str, Any], progress: Progress) -> Any:
    """Apply the last of `job["steps"]` to the model in `job["model"]`, write the result to `job["target"]`.

    Returns the stage's evidence and its seconds. The job also holds `dataset`, `training`, `losses` (one an output), `seed`, `root`
    and `imports`; the steps before the last are those that made the model.
    """
    tools, started = door(), time.monotonic()
    tools.fresh(job["seed"])
    steps = [read(step, Step, where="job") for step in job["steps"]]
    method, settings = technique(steps[-1].technique), settings_of(steps[-1])
    model = open_model(tools, Path(job["model"]), steps[:-1], job)
    fit = Fit(tools, Dataset.open(Path(job["dataset"])), job, progress)
    trained = method.apply(tools, model, settings, fit, steps[:-1])
    finished = method.finish(tools, trained)
    evidence = method.check(tools, finished, settings)
    save_model(finished, Path(job["target"]))
    return {"evidence": to_builtins(evidence), "seconds": time.monotonic() - started}
