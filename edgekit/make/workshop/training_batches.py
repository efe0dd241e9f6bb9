"""The data of a fine-tune: batches of samples with their targets, and the losses for them.

If the float model's outputs are available, they are a second target (`distil`). The order differs in each epoch and is
always the same for the same seed. If the project asks for it, training batches are varied (`augment`), and the float
model then gets the varied batch; the samples that a model is judged by are never varied.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from edgekit.ingest.dataset import Dataset, Split
from edgekit.make.workshop.answers import input_types
from edgekit.make.workshop.augment.augmenter import Augmenter
from edgekit.make.workshop.augment.front import front_and_rest, last_of_front
from edgekit.make.workshop.augment.own import is_random
from edgekit.make.workshop.distil import LiveTeacher, Teacher, can_distil, mixed_loss, pack, told
from edgekit.make.workshop.door import Door
from edgekit.make.workshop.loss import make_loss
from edgekit.make.workshop.store import open_model
from edgekit.project.project_file import AugmentTable
from edgekit.values import read

JUDGED = 4096
"""The most samples of the validation split that the loss is taken on, always the same ones."""
JUDGED_AT_ONCE = 256
SPLITS: tuple[Split, ...] = ("train", "validation")


class _Arrays(NamedTuple):
    """A split with its files mapped once: to map them again takes longer than to read a small batch of them."""

    rows: np.ndarray
    inputs: list[np.ndarray]
    targets: list[np.ndarray]

    @classmethod
    def of(cls, dataset: Dataset, split: Split) -> _Arrays:
        return cls(rows=dataset.rows(split), inputs=dataset.inputs(split), targets=dataset.targets(split))


class TrainingBatches:
    """The batches of a data set for one model, and its losses (one an output).

    The batches are for `learner`: the model itself, or the part after its own augmentation layers, if these were applied here.
    """

    def __init__(self, tools: Door, dataset: Dataset, model: Any, job: dict[str, Any]) -> None:
        self._settings, self._seed = job["training"], job["seed"]
        self._arrays = {split: _Arrays.of(dataset, split) for split in SPLITS}
        self._dtypes = [dtype.as_numpy_dtype for dtype in input_types(tools, model)]
        self._teacher = Teacher(job["teacher"]) if job.get("teacher") else None
        self._distilled = [
            self._teacher is not None and can_distil(text, target.shape, output.shape)
            for text, target, output in zip(job["losses"], self._arrays["train"].targets, model.outputs, strict=True)
        ]
        self.losses = [
            self._mixed(tools, text) if distilled else make_loss(tools, text)
            for text, distilled in zip(job["losses"], self._distilled, strict=True)
        ]
        self.steps_per_epoch = -(-len(self._arrays["train"].rows) // self._settings["batch_size"])
        self.is_distilled = any(self._distilled)
        distilled = [text for text, is_one in zip(job["losses"], self._distilled, strict=True) if is_one]
        self.teaching = told(distilled, self._settings["temperature"])
        asked = self._settings.get("augment")
        augment = read(asked, AugmentTable, where="training.augment") if asked else None
        self._augmenter = Augmenter(tools, augment, dataset, model, self._seed) if augment else None
        self.learner: Any = model
        self._front: Any = None
        self._live: LiveTeacher | None = None
        # another network than the float model may scale its input otherwise before it varies it
        shares_front = self.is_distilled and not job.get("is_replacement")
        last = last_of_front(model) if shares_front else None
        if self.is_distilled and (augment or last):
            self._set_live_teacher(tools, job, last)
        own = ", ".join(repr(layer.name) for layer in model.layers if is_random(layer))
        varied = (self._augmenter.told if self._augmenter else "", f"varied by the model's own {own}" if own else "")
        self.varied = "; ".join(filter(None, varied))

    def _set_live_teacher(self, tools: Door, job: dict[str, Any], last: str | None) -> None:
        """Run the float model on each training batch after it was varied, also by the model's own augmentation layers."""
        teacher = open_model(tools, Path(job["float_model"]), (), job)
        if last is not None and last_of_front(teacher) == last:
            front, self.learner = front_and_rest(tools, self.learner, last)
            self._front = tools.tf.function(front, reduce_retracing=True)
            _, teacher = front_and_rest(tools, teacher, last)
        self._live = LiveTeacher(tools, teacher)

    def _mixed(self, tools: Door, text: str) -> Any:
        return mixed_loss(
            tools, text, share=self._settings["distillation"], temperature=self._settings["temperature"]
        )  # fmt: skip

    def batch(self, step: int, *, varied: bool = True) -> tuple[list[Any], list[Any]]:
        """Inputs and targets of a step, counted from 0 through all epochs; without the model's own random layers where they are not to be `varied`."""
        epoch, index = divmod(step, self.steps_per_epoch)
        size = self._settings["batch_size"]
        inputs, targets, answers = self._samples(
            "train", np.sort(self._order(epoch)[index * size : (index + 1) * size]), answered=self._live is None
        )
        if self._augmenter is not None:
            inputs = self._augmenter(inputs, step)
        if self._front is not None:
            inputs = [self._front(inputs[0], training=varied)]
        if self._live is not None:
            answers = self._live.outputs(inputs)
        return inputs, self._packed(targets, answers)

    def judged(self) -> Iterator[tuple[int, list[Any], list[Any]]]:
        """Samples of the validation split that a model is judged by: number, inputs and targets."""
        positions = self.judged_positions()
        for start in range(0, len(positions), JUDGED_AT_ONCE):
            part = positions[start : start + JUDGED_AT_ONCE]
            inputs, targets, answers = self._samples("validation", part)
            if self._front is not None:
                inputs = [self._front(inputs[0], training=False)]
            yield len(part), inputs, self._packed(targets, answers)

    def judged_positions(self) -> np.ndarray:
        """Which samples of the validation split those are, int64, ascending."""
        count = len(self._arrays["validation"].rows)
        return np.sort(np.random.default_rng(self._seed).permutation(count)[:JUDGED])

    @functools.lru_cache(maxsize=1)  # noqa: B019 - it lives as long as one training
    def _order(self, epoch: int) -> np.ndarray:
        return np.random.default_rng([self._seed, epoch]).permutation(len(self._arrays["train"].rows))

    def _samples(
        self, split: Split, positions: np.ndarray, *, answered: bool = True
    ) -> tuple[list[Any], list[Any], list[Any]]:
        """Inputs, targets and the float model's outputs; no outputs without a teacher, or if not `answered`."""
        found = self._arrays[split]
        picked = found.rows[positions]
        inputs = [
            array[picked].astype(dtype, copy=False) for array, dtype in zip(found.inputs, self._dtypes, strict=True)
        ]
        targets = [np.asarray(array[picked]) for array in found.targets]
        teacher = self._teacher if answered and self.is_distilled else None
        return inputs, targets, teacher.outputs(split, positions) if teacher is not None else []

    def _packed(self, targets: list[Any], answers: list[Any]) -> list[Any]:
        """The targets, packed with the float model's outputs if an output's loss takes both."""
        if not answers:
            return targets
        return [
            pack(target, answer) if distilled else target
            for target, answer, distilled in zip(targets, answers, self._distilled, strict=True)
        ]
