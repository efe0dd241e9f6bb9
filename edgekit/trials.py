"""One candidate from steps to measurements: train stage by stage, convert, measure on the validation split.

Every part is cached by all that it depends on, so that a build that was killed goes on where it was, and a stage
that two devices need is trained once.
"""

from __future__ import annotations

import dataclasses
import math
import re
import time
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from edgekit.cache import Cache, file_digest, key, processor, versions
from edgekit.candidate import Candidate, Step
from edgekit.child import Progress
from edgekit.dataset import Dataset, Split
from edgekit.errors import DataError, ModelError, ProjectError
from edgekit.facts import TensorFacts
from edgekit.inputs import OpenedModel
from edgekit.jobs import Done, Failed
from edgekit.metrics import Score, score
from edgekit.planner.planner import Trial
from edgekit.planner.verdict import judge
from edgekit.pool import Pool
from edgekit.profile import DeviceProfile
from edgekit.project import Project
from edgekit.report import Metric
from edgekit.runtimes.measure import Measured, basis_of, drop, drop_metric, measure
from edgekit.techniques import identity, technique
from edgekit.techniques.interface import Evidence
from edgekit.userfunction import digest, is_function
from edgekit.values import Value, to_builtins

ANSWER, MEASURED = "answer.json", "measured.json"
MOST_TAUGHT_BYTES = 2 * 2**30
"""Where the float model's outputs on the training split are larger (images as outputs), nothing is distilled."""


class Finished(Value):
    """A candidate's trial, and where it gave a file, the file with what is known of it on the validation split."""

    trial: Trial
    tflite: str | None = None
    measured: Measured | None = None
    evidence: tuple[str, ...] = ()
    training: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class _Timed(Value):
    """A measurement as it is cached, with the seconds that it took when it was made."""

    measured: Measured
    seconds: float


@dataclasses.dataclass(kw_only=True)
class _Made:
    """A model in the making: where it is, the name of its stage, and what is known of how it came about."""

    folder: Path
    name: str
    seconds: float = 0.0
    proofs: list[str] = dataclasses.field(default_factory=list)
    training: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Materials:
    """What the trials of all devices of a build share; `losses` has one an output of the model."""

    project: Project
    model: OpenedModel
    dataset: Dataset
    losses: tuple[str, ...]
    cache: Cache
    pool: Pool


class Bench:
    """Runs candidates for one device, and keeps the baseline that they are compared with."""

    def __init__(self, materials: Materials, profile: DeviceProfile, limits: dict[str, float]) -> None:
        self.project, self.model, self.dataset = materials.project, materials.model, materials.dataset
        self.losses, self.profile, self.limits = materials.losses, profile, limits
        self._cache, self._pool = materials.cache, materials.pool
        self._root = Path(self.project.root)
        self._baseline: Path | None = None
        self._common = {"root": self.project.root, "imports": self.project.imports, "seed": self.project.seed}

    def run(self, candidate: Candidate, *, progress: Progress, deadline: float | None = None) -> Finished:
        """Realise, convert and measure a candidate; what fails is a value. The baseline must come first.

        At the `deadline` (of `time.monotonic`) training and converting are stopped; measuring has limits of its own.
        """
        started = time.monotonic()
        try:
            return self._run(candidate, progress, deadline)
        except _TrialFailed as failed:
            seconds = time.monotonic() - started if failed.seconds is None else failed.seconds
            return Finished(trial=Trial(candidate=candidate, seconds=round(seconds, 3), failure=failed.reason))

    def _run(self, candidate: Candidate, progress: Progress, deadline: float | None) -> Finished:
        made = self._trained(candidate, progress, deadline)
        tflite, answer = self._convert(candidate.steps, made.folder, made.name, progress, deadline)
        seconds = made.seconds + answer["seconds"]
        proofs = [*made.proofs, *_proven(answer["evidence"], "in the file", seconds)]
        if candidate.role == "baseline":
            self._baseline = tflite
        found = self._measured(tflite, "validation", progress)
        if candidate.role == "baseline":
            self._require_score(found.measured)
        measured = self._with_drop(found.measured, "validation", progress)
        trial = Trial(
            candidate=candidate,
            seconds=round(seconds + found.seconds, 3),
            metrics=measured.metrics,
            checks=judge(self.limits, measured.metrics, facts=measured.checks),
        )
        return Finished(
            trial=trial,
            tflite=str(tflite),
            measured=measured,
            evidence=tuple(proofs),
            training=tuple(made.training),
            notes=(f"calibration: {answer['calibration']}",) if answer["calibration"] else (),
        )

    def _trained(self, candidate: Candidate, progress: Progress, deadline: float | None) -> _Made:
        """The model after all steps but the conversion; after each stage all that was made so far must be seen in it."""
        made = _Made(folder=Path(self.model.folder), name=self.model.key)
        for count in range(1, len(candidate.steps)):
            steps = candidate.steps[:count]
            made.folder, made.name, answer = self._train(steps, made.folder, made.name, progress, deadline)
            made.seconds += answer["seconds"]
            place = f"in the model after {steps[-1].technique}"
            made.proofs = _proven(answer["evidence"], place, made.seconds)
            made.training.append(f"{steps[-1].technique}: {answer['training']}")
        return made

    def _require_score(self, measured: Measured) -> None:
        """Raise `ProjectError` where the metric cannot be had of a file that runs: so it would be of every other."""
        metric = measured.metrics.get(self.project.goal.metric.name)
        if measured.scores and metric is not None and metric.value is None:
            raise ProjectError(
                "the metric cannot be computed on the validation split",
                where="goal.metric",
                received=metric.reason,
                next_step="mend the metric's function, or choose a metric that these targets define",
            )

    def measure(self, tflite: Path, split: Split, *, progress: Progress) -> Measured | Failed:
        """All that is measured of a file on a split, with its drop from the baseline on the same split."""
        try:
            return self._with_drop(self._measured(tflite, split, progress).measured, split, progress)
        except _TrialFailed as failed:
            return Failed(reason=failed.reason)

    def keras_outputs(self, split: Split, *, progress: Progress) -> list[Path]:
        """The Keras model's own outputs on a split, as `.npy` files."""
        entry = key(
            model=self.model.key, data=self.dataset.sha256, split=split, versions=versions(), processor=processor()
        )
        job = {"do": "predict", "model": self.model.folder, "dataset": self.dataset.root, "split": split}
        folder, answer = self._job("predictions", entry, job, progress, None)
        return [folder / f"output_{index}.npy" for index in range(answer["outputs"])]

    def keras_score(self, split: Split, *, progress: Progress) -> Metric | None:
        """The Keras model's own score on a split by the same metric; None for a metric of the user's own."""
        spec = self.project.goal.metric
        if is_function(spec.name):
            return None

        def compute() -> Any:
            rows = self.dataset.rows(split)
            targets = [array[rows] for array in self.dataset.targets(split)]
            outputs = [np.load(path, mmap_mode="r") for path in self.keras_outputs(split, progress=progress)]
            return to_builtins(score(spec, targets, outputs))

        found = msgspec.convert(self._cache.value("scores", self._key_on(split, keras=self.model.key), compute), Score)
        return Metric(
            value=found.value,
            unit="fraction" if spec.is_fraction else "",
            basis="measured",
            source=f"the Keras model itself, {found.samples} samples",
            low=found.low,
            high=found.high,
            split=split,
            reason=found.reason,
        )

    def _train(
        self, steps: tuple[Step, ...], folder: Path, name: str, progress: Progress, deadline: float | None
    ) -> tuple[Path, str, dict[str, Any]]:
        training = {k: value for k, value in to_builtins(self.project.training).items() if k != "exclude"}
        teacher = self._teacher(progress)
        entry = key(
            model=name,
            steps=steps,
            techniques=[identity(step.technique) for step in steps],
            data=self.dataset.sha256,
            training=training,
            teacher=self.model.key if teacher else None,
            losses=self.losses,
            seed=self.project.seed,
            versions=versions(),
            processor=processor(),
        )
        job = {
            "do": "train",
            "model": str(folder),
            "steps": to_builtins(steps),
            "dataset": self.dataset.root,
            "training": training,
            "losses": self.losses,
            "teacher": teacher,
        }
        made, answer = self._job("stages", entry, job, progress, deadline)
        return made, entry, answer

    def _teacher(self, progress: Progress) -> dict[str, list[str]] | None:
        """The float model's outputs by split, as paths; None where nothing is distilled, or they would fill the disk."""
        sizes = [math.prod(size or 1 for size in output.shape) for output in self.model.facts.outputs]
        whole = 4 * sum(sizes) * self.dataset.splits["train"].samples
        if not self.project.training.distillation or whole > MOST_TAUGHT_BYTES:
            return None
        splits: tuple[Split, ...] = ("train", "validation")
        return {split: [str(path) for path in self.keras_outputs(split, progress=progress)] for split in splits}

    def _convert(
        self, steps: tuple[Step, ...], folder: Path, name: str, progress: Progress, deadline: float | None
    ) -> tuple[Path, dict[str, Any]]:
        samples = self.project.calibration.samples
        calibrated = getattr(technique(steps[-1].technique), "CALIBRATED", False)
        entry = key(
            model=name,
            steps=steps,
            techniques=[identity(step.technique) for step in steps],
            calibration=[self.dataset.sha256, samples, self.project.seed] if calibrated else None,
            versions=versions(),
            processor=processor(),
        )
        job = {
            "do": "convert",
            "model": str(folder),
            "steps": to_builtins(steps),
            "dataset": self.dataset.root if calibrated else None,
            "samples": samples,
            "inputs": self._names(self.model.facts.inputs),
            "outputs": self._names(self.model.facts.outputs),
        }
        made, answer = self._job("artifacts", entry, job, progress, deadline)
        return made / "model.tflite", answer

    def _job(
        self, kind: str, entry: str, job: dict[str, Any], progress: Progress, deadline: float | None
    ) -> tuple[Path, dict[str, Any]]:
        """The cached folder and answer of a job; so is a failure that would come again."""

        def make(folder: Path) -> None:
            given, started = {**job, **self._common, "target": str(folder)}, time.monotonic()
            left = None if deadline is None else max(0.1, deadline - time.monotonic())
            try:
                answer = self._pool.run(given, progress=progress, time_limit_s=left)
            except (DataError, ModelError, ProjectError) as problem:
                received = f" ({problem.received})" if problem.received else ""
                raise _TrialFailed(f"{job['do']}: {problem.what}{received}") from problem
            if isinstance(answer, Failed) and not answer.repeatable:
                raise _TrialFailed(f"{job['do']}: {answer.reason}")
            value = answer.value if isinstance(answer, Done) else {"failure": answer.reason}
            value = {"seconds": time.monotonic() - started, **value}
            (folder / ANSWER).write_bytes(msgspec.json.encode(value))

        folder = self._cache.folder(kind, entry, make)
        answer = msgspec.json.decode((folder / ANSWER).read_bytes())
        if "failure" in answer:
            raise _TrialFailed(f"{job['do']}: {answer['failure']}", seconds=answer["seconds"])
        return folder, answer

    def _measured(self, tflite: Path, split: Split, progress: Progress) -> _Timed:
        entry = self._key_on(split, tflite=file_digest(tflite), profile=self.profile, model=self.model.key)

        def make(folder: Path) -> None:
            started = time.monotonic()
            found = measure(
                tflite,
                self.profile,
                dataset=self.dataset,
                split=split,
                metric=self.project.goal.metric,
                scratch=folder,
                reference=self.keras_outputs(split, progress=progress),
                input_order=self._names(self.model.facts.inputs),
                output_order=self._names(self.model.facts.outputs),
                root=self._root,
                progress=progress,
            )
            if isinstance(found, Failed):
                raise _TrialFailed(found.reason)
            named = msgspec.structs.replace(found, scores=tuple(Path(path).name for path in found.scores))
            timed = _Timed(measured=named, seconds=time.monotonic() - started)
            (folder / MEASURED).write_bytes(msgspec.json.encode(timed))

        folder = self._cache.folder("measurements", entry, make)
        timed = msgspec.json.decode((folder / MEASURED).read_bytes(), type=_Timed)
        scores = tuple(str(folder / name) for name in timed.measured.scores)
        return msgspec.structs.replace(timed, measured=msgspec.structs.replace(timed.measured, scores=scores))

    def _with_drop(self, measured: Measured, split: Split, progress: Progress) -> Measured:
        """A measurement with `accuracy_drop`, paired with the baseline's on the same split."""
        if self._baseline is None:
            return measured
        baseline, metric = self._measured(self._baseline, split, progress).measured, self.project.goal.metric
        pair = [[file_digest(Path(path)) for path in scores] for scores in (baseline.scores, measured.scores)]

        def compute() -> Any:
            found = drop(metric, self.dataset, split, baseline.scores, measured.scores, root=self._root)
            if isinstance(found, Failed) and not found.repeatable:
                raise _TrialFailed(f"the drop of {metric.name}: {found.reason}")
            return to_builtins(drop_metric(found, split, basis_of(self.profile)))

        entry = self._key_on(split, pair=pair, basis=basis_of(self.profile))
        value = self._cache.value("drops", entry, compute)
        metrics = {**measured.metrics, "accuracy_drop": msgspec.convert(value, Metric)}
        return msgspec.structs.replace(measured, metrics=metrics)

    @staticmethod
    def _names(tensors: tuple[TensorFacts, ...]) -> list[str]:
        """The names of inputs or outputs in a file's signature, in the model's order: identifiers, each once."""
        names: list[str] = []
        for position, tensor in enumerate(tensors):
            name = re.sub(r"\W", "_", tensor.name)
            names.append(name if name not in names else f"{name}_{position}")
        return names

    def _key_on(self, split: Split, **parts: Any) -> str:
        """The key of something that the evaluator makes on a split."""
        metric = self.project.goal.metric
        return key(
            **parts,
            data=self.dataset.sha256,
            split=split,
            metric=metric,
            function=digest(metric.name, root=self._root, error=ProjectError) if is_function(metric.name) else "",
            versions=versions(),
            processor=processor(),
        )


def _proven(found: list[Any], place: str, seconds: float) -> list[str]:
    """Each evidence in a sentence; raises where one does not hold."""
    proofs = [msgspec.convert(proof, Evidence) for proof in found]
    for proof in proofs:
        if not proof.holds:
            raise _TrialFailed(f"no proof of {proof.technique} {place}: {proof.detail}", seconds=seconds)
    return [f"{proof.technique}, {place}: {proof.detail}" for proof in proofs]


class _TrialFailed(Exception):
    """Ends a trial, not the build; `seconds` are those of when it was tried, where the cache knows them."""

    def __init__(self, reason: str, *, seconds: float | None = None) -> None:
        super().__init__(reason)
        self.reason, self.seconds = reason, seconds
