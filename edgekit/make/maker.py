"""Makes one candidate's file: training stage by stage, then conversion, with the evidence checked after each.

Every stage and file is cached by everything that it depends on: an interrupted build continues where it was, and a
stage that two devices need is trained once. It does not know how good a file is.
"""

from __future__ import annotations

import dataclasses
import math
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from edgekit.documents.facts import port_names
from edgekit.errors import DataError, ModelError, ProjectError
from edgekit.ingest.dataset import Split
from edgekit.ingest.materials import Materials
from edgekit.ingest.model import OpenedModel
from edgekit.jobs.cache import file_digest, key, processor, versions
from edgekit.jobs.worker import Done, Failed, TrialFailed
from edgekit.planner.proposal import Proposal
from edgekit.progress import Progress
from edgekit.project.project_file import StudentTable, TrainingTable
from edgekit.project.userfunction import is_function
from edgekit.sanity.transforms import Transform
from edgekit.techniques import identity
from edgekit.techniques.interface import Evidence
from edgekit.techniques.steps import TypedStep, published, training_of
from edgekit.tflite.diet.whole import Saving
from edgekit.values import Value, to_builtins
from edgekit.verdict.converter_said import NO_LOOPS, WITHOUT_KERNEL, plain
from edgekit.verdict.outlook import Outlook

ANSWER = "answer.json"
LEAST_S = {"convert": 60.0, "predict": 60.0}
"""These jobs get at least this long, even where the time budget ends sooner: they use what was already trained."""
GRACE_S = 30.0
"""A training stops by itself when its time is over; it is killed where it still runs this much later."""
MOST_TAUGHT_BYTES = 2 * 2**30
"""Where the float model's outputs on the training split are larger (images as outputs), there is no distillation."""


class BeforeDiet(Value):
    """A file as the converter wrote it: its `path`, the label of each operator, and what its diet gave.

    `path` is None where it was kept as it was, for the `reason`.
    """

    path: str | None
    labels: tuple[str, ...]
    savings: tuple[Saving, ...] = ()
    reason: str | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Made:
    """A candidate's file, with the evidence that its steps are in it, how each stage was trained, and what was cut for lack of time.

    `model` is the folder of the Keras model that was converted; `before` is what the diet began with.
    """

    tflite: Path
    before: BeforeDiet
    model: Path
    seconds: float
    evidence: tuple[str, ...]
    training: tuple[str, ...]
    notes: tuple[str, ...]
    cut: tuple[str, ...] = ()


@dataclasses.dataclass(kw_only=True)
class _Stage:
    """A model between steps: its folder, the name of its stage, and how it was made."""

    folder: Path
    name: str
    seconds: float = 0.0
    proofs: list[str] = dataclasses.field(default_factory=list)
    training: list[str] = dataclasses.field(default_factory=list)
    cut: list[str] = dataclasses.field(default_factory=list)


class _Cut(Exception):
    """Raised for a stage that was cut for lack of time, to keep it out of the cache: a build with more time must not find it there."""

    def __init__(self, folder: Path, answer: dict[str, Any]) -> None:
        super().__init__()
        self.folder, self.answer = folder, answer


class _Ended(Exception):
    """Raised for a training that was ended, which leaves no stage."""

    def __init__(self, answer: dict[str, Any]) -> None:
        super().__init__()
        self.answer = answer


class Hopeless(Exception):
    """Ends a trial whose last training is predicted to lose too much at its end; `seconds` is how long it took until then."""

    def __init__(self, outlook: Outlook, *, seconds: float) -> None:
        super().__init__(outlook.reason)
        self.outlook, self.seconds = outlook, seconds


class Maker:
    """Makes the files of candidates, and the Keras model's own outputs; raises `TrialFailed` where that is impossible.

    At the `deadline` (of `time.monotonic`) a conversion is stopped, and a training stops with its best weights so far.
    """

    def __init__(self, materials: Materials) -> None:
        self._project, self._model, self._dataset = materials.project, materials.model, materials.dataset
        self._replacement = materials.replacement
        self._losses, self._cache, self._pool = materials.losses, materials.cache, materials.pool
        self._semaphore = materials.semaphore
        settings = materials.project
        self._common = {"root": settings.root, "imports": settings.imports, "seed": settings.seed}

    def make(
        self, candidate: Proposal, progress: Progress, deadline: float | None, *, max_drop: float | None = None
    ) -> Made:
        """The candidate's file. Every step must be seen in the model after each stage, and in the file.

        With `max_drop`, in points, the last training ends where it is predicted to lose more: raises `Hopeless`.
        """
        stage = self._trained(candidate, progress, deadline, max_drop)
        tflite, answer = self._convert(candidate, stage, progress, deadline)
        seconds = stage.seconds + answer["seconds"]
        return Made(
            tflite=tflite,
            before=_before_diet(tflite, answer["diet"]),
            model=stage.folder,
            seconds=seconds,
            evidence=(*stage.proofs, *_proven(answer["evidence"], "in the file", seconds)),
            training=tuple(stage.training),
            cut=tuple(stage.cut),
            notes=_notes(answer),
        )

    def keras_outputs(self, split: Split, *, progress: Progress) -> list[Path]:
        """The Keras model's own outputs on a split, as `.npy` files."""
        entry = key(
            model=self._model.key, data=self._dataset.sha256, split=split, versions=versions(), processor=processor()
        )
        job = {"do": "predict", "model": self._model.folder, "dataset": self._dataset.root, "split": split}
        folder, answer = self._job("predictions", entry, job, progress, None)
        return [folder / f"output_{index}.npy" for index in range(answer["outputs"])]

    def examined(
        self, positions: Sequence[int], transforms: Sequence[Transform], *, progress: Progress
    ) -> tuple[Path, dict[str, Any]]:
        """The Keras model's outputs on some training samples, plain and transformed, and the values that reach its first layers."""
        entry = key(
            model=self._model.key, data=self._dataset.sha256, positions=positions, transforms=transforms, versions=versions(),
            processor=processor(),
        )  # fmt: skip
        job = {
            "do": "examine", "model": self._model.folder, "dataset": self._dataset.root, "positions": list(positions),
            "transforms": to_builtins(list(transforms)),
        }  # fmt: skip
        return self._job("examined", entry, job, progress, None)

    def _trained(
        self, candidate: Proposal, progress: Progress, deadline: float | None, max_drop: float | None
    ) -> _Stage:
        """The model after all steps but the conversion; after each stage, every step so far must be seen in it."""
        first = self._network_of(candidate)
        stage = _Stage(folder=Path(first.folder), name=first.key)
        self._check_forms(candidate, progress, deadline)
        for count in range(1, len(candidate.steps)):
            steps, name = candidate.steps[:count], candidate.steps[count - 1].technique.name
            allowed = max_drop if count == len(candidate.steps) - 1 else None  # a later training may mend what one lost
            stage.folder, stage.name, answer = self._train(steps, stage, progress, deadline, allowed)
            stage.seconds += answer["seconds"]
            place = f"in the model after {name}"
            stage.proofs = _proven(answer["evidence"], place, stage.seconds)
            stage.training.append(f"{name}: {answer['training']}")
            if answer["cut"]:
                stage.cut.append(f"{name} was {answer['cut']}")
        return stage

    def _network_of(self, candidate: Proposal) -> OpenedModel:
        """What a candidate begins with: the model, or the network that takes its place."""
        if not candidate.is_of_replacement:
            return self._model
        if self._replacement is None:
            raise TrialFailed("the project offers no network in the model's place")
        return self._replacement

    def _check_forms(self, candidate: Proposal, progress: Progress, deadline: float | None) -> None:
        """Raise `TrialFailed` where a later step of a chain works on a form that the model cannot have: before the first is trained."""
        special = tuple(step for step in candidate.training if training_of(step).form(step.settings) != "keras3")
        if not special or special[0] is candidate.steps[0]:  # the training itself begins with it
            return
        techniques = [identity(step.technique) for step in special]
        first = self._network_of(candidate)
        entry = key(model=first.key, steps=published(special), techniques=techniques, versions=versions())
        job = {"do": "take_form", "model": first.folder, "steps": to_builtins(published(special))}
        self._job("forms", entry, job, progress, deadline)

    def _train(
        self,
        steps: tuple[TypedStep, ...],
        stage: _Stage,
        progress: Progress,
        deadline: float | None,
        max_drop: float | None,
    ) -> tuple[Path, str, dict[str, Any]]:
        taught = training_of(steps[-1]).from_replacement
        training = self._training_settings(taught=taught)
        teacher = self._teacher(progress) if training["distillation"] else None
        entry = key(
            model=stage.name,
            **({"in_place_of": self._model.key} if taught else {}),
            steps=published(steps),
            techniques=[identity(step.technique) for step in steps],
            data=self._dataset.sha256,
            training=training,
            teacher=self._model.key if teacher else None,
            losses=self._losses,
            seed=self._project.seed,
            versions=versions(),
            processor=processor(),
        )
        job = {
            "do": "train",
            "model": str(stage.folder),
            "steps": to_builtins(published(steps)),
            "dataset": self._dataset.root,
            "training": training,
            "losses": self._losses,
            "teacher": teacher,
            "float_model": self._model.folder,
            "is_replacement": training_of(steps[0]).from_replacement,
        }
        try:
            if max_drop is not None:
                self._look_ahead(entry, job, max_drop, stage, progress, deadline)
            made, answer = self._job("stages", entry, job, progress, deadline)
        except _Cut as cut:
            return cut.folder, key(cut=file_digest(cut.folder)), cut.answer
        return made, entry, answer

    def _look_ahead(
        self,
        entry: str,
        job: dict[str, Any],
        max_drop: float,
        stage: _Stage,
        progress: Progress,
        deadline: float | None,
    ) -> None:
        """Train the stage, which then is in the cache; raises `Hopeless` where its training was ended. That is cached by what may be lost."""
        metric = self._project.goal.judged_by
        if is_function(metric.name):  # the user's own code is not run within a training
            return
        reference = [str(path) for path in self.keras_outputs("validation", progress=progress)]
        asked = {"metric": to_builtins(metric), "max_drop": max_drop, "reference": reference}

        def ahead() -> Any:
            try:
                self._job("stages", entry, {**job, "outlook": asked}, progress, deadline)
            except _Ended as ended:
                return ended.answer
            return None

        ended = self._cache.value("outlooks", key(stage=entry, metric=metric, max_drop=max_drop), ahead)
        if ended is not None:
            outlook = msgspec.convert(ended["hopeless"], Outlook)
            raise Hopeless(outlook, seconds=stage.seconds + ended["seconds"])

    def _training_settings(self, *, taught: bool) -> dict[str, Any]:
        """The project's training; where a network is `taught` in the model's place, always by the model, and as long as the project says of it."""
        settings, features = self._project.training, {}
        if taught:
            table = self._project.replacement or StudentTable()
            epochs = settings.epochs if table.epochs is None else table.epochs
            share = settings.distillation or TrainingTable().distillation
            settings = msgspec.structs.replace(settings, distillation=share, epochs=epochs)
            features = {"features": table.features} if table.features else {}
        return {name: value for name, value in to_builtins(settings).items() if name != "exclude"} | features

    def _teacher(self, progress: Progress) -> dict[str, list[str]] | None:
        """The float model's outputs by split, as paths; None where they are too large."""
        sizes = [math.prod(size or 1 for size in output.shape) for output in self._model.facts.outputs]
        whole = 4 * sum(sizes) * self._dataset.splits["train"].samples
        if whole > MOST_TAUGHT_BYTES:
            return None
        # for augmented samples, the training runs the float model itself
        splits: tuple[Split, ...] = ("validation",) if self._project.training.augment else ("train", "validation")
        return {split: [str(path) for path in self.keras_outputs(split, progress=progress)] for split in splits}

    def _convert(
        self, candidate: Proposal, stage: _Stage, progress: Progress, deadline: float | None
    ) -> tuple[Path, dict[str, Any]]:
        """The file and the job's answer; where it fails, or has loops and lacks a proof, it is tried again with recurrent loops unrolled."""
        try:
            tflite, answer = self._converted(candidate, stage, progress, deadline)
            lacking = _lacking(answer["evidence"], "in the file")
            if not (answer["loops"] and lacking):
                return tflite, answer
            first = TrialFailed(lacking, seconds=stage.seconds + answer["seconds"])
        except TrialFailed as failed:
            if not failed.again:
                raise
            first = failed
        try:
            tflite, answer = self._converted(candidate, stage, progress, deadline, unrolled=True)
        except TrialFailed as second:
            if NO_LOOPS in second.reason:
                raise first from None
            if WITHOUT_KERNEL in second.reason:  # no form of the loop changes that
                raise
            reason = f"{first.reason}; a second way, with loops unrolled: {second.reason.removeprefix('convert: ')}"
            raise TrialFailed(reason, seconds=first.seconds, timed_out=second.timed_out) from second
        told = f"recurrent layers are unrolled in the file, {answer['steps_unrolled']} steps in all, for with their loops it failed: {first.reason}"
        return tflite, {**answer, "unrolled": told}

    def _converted(
        self,
        candidate: Proposal,
        stage: _Stage,
        progress: Progress,
        deadline: float | None,
        *,
        unrolled: bool = False,
    ) -> tuple[Path, dict[str, Any]]:
        samples = self._project.calibration.samples
        calibrated, sizes = candidate.conversion.calibrated, self._sizes(self._network_of(candidate))
        entry = key(
            model=stage.name,
            **({"sizes": sizes} if sizes else {}),
            steps=published(candidate.steps),
            techniques=[identity(step.technique) for step in candidate.steps],
            calibration=[self._dataset.sha256, samples, self._project.seed] if calibrated else None,
            unrolled=unrolled,
            keep_names=self._project.keep_names,
            versions=versions(),
            processor=processor(),
        )
        job = {
            "do": "convert",
            "unrolled": unrolled,
            "keep_names": self._project.keep_names,
            "sizes": sizes,
            "model": str(stage.folder),
            "steps": to_builtins(published(candidate.steps)),
            "dataset": self._dataset.root if calibrated else None,
            "samples": samples,
            "inputs": port_names(self._model.facts.inputs),
            "outputs": port_names(self._model.facts.outputs),
        }
        made, answer = self._job("artifacts", entry, job, progress, deadline)
        return made / "model.tflite", answer

    def _sizes(self, model: OpenedModel) -> list[list[int]] | None:
        """The shape of a sample of each input, as the data has it; None where the model leaves no size free."""
        if not any(None in tensor.shape for tensor in model.facts.inputs):
            return None
        return [list(array.shape[1:]) for array in self._dataset.splits["train"].inputs]

    def _job(
        self, kind: str, entry: str, job: dict[str, Any], progress: Progress, deadline: float | None
    ) -> tuple[Path, dict[str, Any]]:
        """The cached folder and answer of a job; a failure that would repeat is cached too."""

        def make(folder: Path) -> None:
            given = {**job, **self._common, "target": str(folder)}
            try:
                with self._semaphore.acquired():
                    started = time.monotonic()
                    left = None if deadline is None else max(LEAST_S.get(job["do"], 0.1), deadline - started)
                    if job["do"] == "train" and left is not None:
                        given, left = {**given, "seconds_left": left}, left + GRACE_S
                    answer = self._pool.run(given, progress=progress, time_limit_s=left)
            except (DataError, ModelError, ProjectError) as problem:
                received = f" ({problem.received})" if problem.received else ""
                raise TrialFailed(f"{job['do']}: {problem.what}{received}") from problem
            if isinstance(answer, Failed) and not answer.repeatable:
                raise TrialFailed(f"{job['do']}: {answer.reason}", timed_out=answer.timed_out)
            value = answer.value if isinstance(answer, Done) else {"failure": answer.reason}
            value = {"seconds": time.monotonic() - started, **value}
            if value.get("nothing"):
                reason = "the time budget was over before any weights had their form"
                raise TrialFailed(f"{job['do']}: {reason}", timed_out=True)
            if value.get("hopeless"):
                raise _Ended(value)
            (folder / ANSWER).write_bytes(msgspec.json.encode(value))
            if value.get("cut"):
                raise _Cut(shutil.copytree(folder, self._cache.lasting_scratch(), dirs_exist_ok=True), value)

        folder = self._cache.folder(kind, entry, make)
        answer = msgspec.json.decode((folder / ANSWER).read_bytes())
        if "failure" in answer:
            raise TrialFailed(f"{job['do']}: {plain(answer['failure'])}", seconds=answer["seconds"], again=True)
        return folder, answer


def _before_diet(tflite: Path, diet: dict[str, Any]) -> BeforeDiet:
    """What the diet of a conversion's file began with, by the job's answer."""
    return BeforeDiet(
        path=None if diet["before"] is None else str(tflite.with_name(diet["before"])),
        labels=tuple(diet["labels"]),
        savings=msgspec.convert(diet["savings"], tuple[Saving, ...]),
        reason=diet["reason"],
    )


def _notes(answer: dict[str, Any]) -> tuple[str, ...]:
    """The notes of a conversion: on its calibration, and on loops that were unrolled."""
    calibration, unrolled = answer["calibration"], answer.get("unrolled")
    return (*((f"calibration: {calibration}",) if calibration else ()), *((unrolled,) if unrolled else ()))


def _proven(found: list[Any], place: str, seconds: float) -> list[str]:
    """Each piece of evidence as a sentence; raises `TrialFailed` where one does not hold."""
    lacking = _lacking(found, place)
    if lacking:
        raise TrialFailed(lacking, seconds=seconds)
    proofs = [msgspec.convert(proof, Evidence) for proof in found]
    return [f"{proof.technique}, {place}: {proof.detail}" for proof in proofs]


def _lacking(found: list[Any], place: str) -> str:
    """The first piece of evidence that does not hold, as a sentence; empty where all do."""
    proofs = [msgspec.convert(proof, Evidence) for proof in found]
    return next((f"no proof of {one.technique} {place}: {one.detail}" for one in proofs if not one.holds), "")
