"""What a training loses on the validation split while it runs, by the project's metric, beside the float model.

It knows the metrics that edgekit has, on the samples that the training is judged by anyway. What follows from it is decided in `verdict/outlook`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from edgekit.ingest.dataset import Dataset
from edgekit.make.workshop.answers import answers
from edgekit.make.workshop.training_batches import TrainingBatches
from edgekit.verdict.drop import paired_drop
from edgekit.verdict.metric_spec import MetricSpec
from edgekit.verdict.outlook import Lost, Outlook, hopeless


class Hopeless(Exception):
    """The rest of a training cannot bring the loss below what may be lost; `outlook` is what was predicted."""

    def __init__(self, outlook: Outlook) -> None:
        super().__init__(outlook.reason)
        self.outlook = outlook


class Curve:
    """The points lost after each epoch of a whole training; `ask` gives `metric`, `max_drop`, and the float model's outputs as paths (`reference`)."""

    def __init__(self, dataset: Dataset, ask: dict[str, Any]) -> None:
        self._dataset = dataset
        self._metric = msgspec.convert(ask["metric"], MetricSpec)
        self._max_drop, self._reference = float(ask["max_drop"]), [Path(path) for path in ask["reference"]]
        self.lost: list[Lost] = []

    def see(self, batches: TrainingBatches, step: int, steps: int) -> None:
        """Take in the model as it is after a step; raises `Hopeless` where the rest of the steps cannot be enough."""
        positions = batches.judged_positions()
        rows = self._dataset.rows("validation")[positions]
        targets = [np.asarray(array[rows]) for array in self._dataset.targets("validation")]
        reference = [np.load(path, mmap_mode="r")[positions] for path in self._reference]
        drop = paired_drop(self._metric, targets, reference, self._outputs(batches))
        if drop.points is None or drop.low is None or drop.high is None:
            return
        if self.lost and step / steps <= self.lost[-1].at:  # another run
            self.lost = []
        self.lost.append(Lost(at=step / steps, points=drop.points, low=drop.low, high=drop.high))
        found = hopeless(self.lost, self._max_drop, epochs=steps / batches.steps_per_epoch)
        if found is not None:
            raise Hopeless(found)

    def _outputs(self, batches: TrainingBatches) -> Sequence[np.ndarray]:
        found = [[np.asarray(one) for one in answers(batches.learner, inputs)] for _, inputs, _ in batches.judged()]
        return [np.concatenate(parts) for parts in zip(*found, strict=True)]
