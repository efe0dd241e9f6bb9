"""The training stages of a candidate: each trains one technique more, and its steps must then be seen in the model.

A stage is cached by everything that it depends on: one that two devices need is trained once.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import msgspec

from edgekit.ingest.materials import Materials
from edgekit.ingest.model import OpenedModel
from edgekit.jobs.cache import file_digest, key, processor, versions
from edgekit.jobs.worker import TrialFailed
from edgekit.make.cached_jobs import CachedJobs, Cut
from edgekit.make.evidence import proven
from edgekit.make.keras_outputs import KerasOutputs
from edgekit.make.look_ahead import LookAhead
from edgekit.planner.proposal import Proposal
from edgekit.progress import Progress
from edgekit.project.project import Project
from edgekit.project.project_file import StudentTable, TrainingTable
from edgekit.techniques import identity
from edgekit.techniques.steps import TypedStep, published, training_of
from edgekit.values import to_builtins


@dataclasses.dataclass(kw_only=True)
class Stage:
    """A model between steps: its folder, the name of its stage, and how it was made of the `network`."""

    network: OpenedModel
    folder: Path
    name: str
    seconds: float = 0.0
    proofs: list[str] = dataclasses.field(default_factory=list)
    training: list[str] = dataclasses.field(default_factory=list)
    cut: list[str] = dataclasses.field(default_factory=list)


class Stages:
    """Trains the models of candidates; raises `TrialFailed` where that is impossible, and `Hopeless` where it is ended.

    At the `deadline` (of `time.monotonic`) a training stops with its best weights so far.
    """

    def __init__(self, materials: Materials, jobs: CachedJobs) -> None:
        self._materials, self._project, self._dataset = materials, materials.project, materials.dataset
        self._jobs, self._keras = jobs, KerasOutputs(materials)
        self._look_ahead = LookAhead(materials, jobs, self._keras)

    def trained(self, candidate: Proposal, progress: Progress, deadline: float | None, max_drop: float | None) -> Stage:
        """The model after all steps but the conversion; after each stage, every step so far must be seen in it.

        With `max_drop`, in points, the last training ends where it is predicted to lose more.
        """
        first = self._network_of(candidate)
        stage = Stage(network=first, folder=Path(first.folder), name=first.key)
        self._check_forms(candidate, first, progress, deadline)
        for count in range(1, len(candidate.steps)):
            steps, name = candidate.steps[:count], candidate.steps[count - 1].technique.name
            allowed = max_drop if count == len(candidate.steps) - 1 else None  # a later training may mend what one lost
            stage.folder, stage.name, answer = self._train(steps, stage, progress, deadline, allowed)
            stage.seconds += answer["seconds"]
            stage.proofs = proven(answer["evidence"], f"in the model after {name}", stage.seconds)
            stage.training.append(f"{name}: {answer['training']}")
            if answer["cut"]:
                stage.cut.append(f"{name} was {answer['cut']}")
        return stage

    def _network_of(self, candidate: Proposal) -> OpenedModel:
        """What a candidate begins with: the model, or the network that takes its place."""
        if not candidate.is_of_replacement:
            return self._materials.model
        if self._materials.replacement is None:
            raise TrialFailed("the project offers no network in the model's place")
        return self._materials.replacement

    def _check_forms(self, candidate: Proposal, first: OpenedModel, progress: Progress, deadline: float | None) -> None:
        """Raise `TrialFailed` where a later step of a chain works on a form that the model cannot have: before the first is trained."""
        special = tuple(step for step in candidate.training if training_of(step).form(step.settings) != "keras3")
        if not special or special[0] is candidate.steps[0]:  # the training itself begins with it
            return
        techniques = [identity(step.technique) for step in special]
        entry = key(model=first.key, steps=published(special), techniques=techniques, versions=versions())
        job = {"do": "take_form", "model": first.folder, "steps": to_builtins(published(special))}
        self._jobs.run("forms", entry, job, progress, deadline)

    def _train(
        self,
        steps: tuple[TypedStep, ...],
        stage: Stage,
        progress: Progress,
        deadline: float | None,
        max_drop: float | None,
    ) -> tuple[Path, str, dict[str, Any]]:
        """The folder of the next stage, its name, and the job's answer."""
        training = _training_settings(self._project, taught=training_of(steps[-1]).from_replacement)
        teacher = self._keras.teaching(progress) if training["distillation"] else None
        entry, job = self._key(steps, stage, training, teacher), self._job(steps, stage, training, teacher)
        try:
            if max_drop is not None:
                self._look_ahead.train(entry, job, max_drop, stage.seconds, progress, deadline)
            made, answer = self._jobs.run("stages", entry, job, progress, deadline)
        except Cut as cut:
            return cut.folder, key(cut=file_digest(cut.folder)), cut.answer
        return made, entry, answer

    def _key(
        self,
        steps: tuple[TypedStep, ...],
        stage: Stage,
        training: dict[str, Any],
        teacher: dict[str, list[str]] | None,
    ) -> str:
        taught, model = training_of(steps[-1]).from_replacement, self._materials.model.key
        return key(
            model=stage.name,
            **({"in_place_of": model} if taught else {}),
            steps=published(steps),
            techniques=[identity(step.technique) for step in steps],
            data=self._dataset.sha256,
            training=training,
            teacher=model if teacher else None,
            losses=self._materials.losses,
            seed=self._project.seed,
            versions=versions(),
            processor=processor(),
        )

    def _job(
        self,
        steps: tuple[TypedStep, ...],
        stage: Stage,
        training: dict[str, Any],
        teacher: dict[str, list[str]] | None,
    ) -> dict[str, Any]:
        return {
            "do": "train",
            "model": str(stage.folder),
            "steps": to_builtins(published(steps)),
            "dataset": self._dataset.root,
            "training": training,
            "losses": self._materials.losses,
            "teacher": teacher,
            "float_model": self._materials.model.folder,
            "is_replacement": training_of(steps[0]).from_replacement,
        }


def _training_settings(project: Project, *, taught: bool) -> dict[str, Any]:
    """The project's training; where a network is `taught` in the model's place, always by the model, and as long as the project says of it."""
    settings, features = project.training, {}
    if taught:
        table = project.replacement or StudentTable()
        epochs = settings.epochs if table.epochs is None else table.epochs
        share = settings.distillation or TrainingTable().distillation
        settings = msgspec.structs.replace(settings, distillation=share, epochs=epochs)
        features = {"features": table.features} if table.features else {}
    return {name: value for name, value in to_builtins(settings).items() if name != "exclude"} | features
