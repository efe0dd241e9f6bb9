"""Measures a candidate's file on a split: its figures, its drop from the baseline, and the Keras model's own score.

Everything is cached by the file, the split and the metric. How the file was made is not known here.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec

from edgekit.boards.measurements import applied
from edgekit.devices.profile import DeviceProfile
from edgekit.documents.facts import port_names
from edgekit.documents.report import Metric
from edgekit.errors import ProjectError
from edgekit.ingest.dataset import Dataset, Split, mapped
from edgekit.ingest.materials import Materials
from edgekit.ingest.widen import can_be_widened, widen
from edgekit.jobs.cache import file_digest, key, processor, versions
from edgekit.jobs.worker import Failed, TrialFailed
from edgekit.machine.installed import version_of
from edgekit.measure.children import is_device
from edgekit.measure.measure import (
    Measured,
    NotWanted,
    Watch,
    basis_of,
    drop,
    drop_metric,
    measure,
    no_watch,
    outputs_of,
)
from edgekit.planner.findings import HALF_A_POINT, reach_of
from edgekit.progress import Progress
from edgekit.project.userfunction import digest, is_function
from edgekit.values import Value, to_builtins
from edgekit.verdict.metrics import Score, score

MEASURED = "measured.json"


class Timed(Value):
    """A cached measurement, with the seconds that it took."""

    measured: Measured
    seconds: float


class Skipped(Exception):
    """Ends a trial that is no longer wanted; nothing of it is cached."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class KerasOutputs(Protocol):
    """Gives the Keras model's own outputs on a split, as `.npy` files; raises `TrialFailed`."""

    def __call__(self, split: Split, *, progress: Progress) -> Sequence[Path]: ...


class Evaluator:
    """Measures files for one device and compares them with the Keras model's outputs; raises `TrialFailed` if that fails."""

    def __init__(self, materials: Materials, profile: DeviceProfile, keras_outputs: KerasOutputs) -> None:
        self._project, self._model, self._dataset = materials.project, materials.model, materials.dataset
        self._cache, self._profile, self._keras_outputs = materials.cache, profile, keras_outputs
        self._root, self._semaphore, self._tasks = Path(materials.project.root), materials.semaphore, materials.tasks

    def measured(self, tflite: Path, split: Split, progress: Progress, watch: Watch = no_watch) -> Timed:
        """All figures of a file on a split, and its score; raises `Skipped` if `watch` ends the measurement."""
        profile = msgspec.structs.replace(
            self._profile, file=None, overlay=None
        )  # where the profile is stored makes no difference
        compiler = version_of("ethos-u-vela") if profile.is_compiled_here else None
        entry = self._key_on(
            split,
            tflite=file_digest(tflite),
            profile=profile,
            model=self._model.key,
            compiler=compiler,
            tasks=self._tasks,
        )

        def make(folder: Path) -> None:
            reference = self._keras_outputs(split, progress=progress)
            # alone, for a training at the same time would slow down the latency measured here
            with self._semaphore.acquired(alone=is_device(self._profile)):
                started = time.monotonic()
                found = measure(
                    tflite,
                    self._profile,
                    dataset=self._dataset,
                    split=split,
                    metric=self._project.goal.judged_by,
                    scratch=folder,
                    reference=reference,
                    input_order=port_names(self._model.facts.inputs),
                    output_order=port_names(self._model.facts.outputs),
                    tasks=self._tasks,
                    root=self._root,
                    progress=progress,
                    watch=watch,
                )
            if isinstance(found, NotWanted):
                raise Skipped(found.reason)
            if isinstance(found, Failed):
                raise TrialFailed(found.reason)
            named = msgspec.structs.replace(found, scores=tuple(Path(path).name for path in found.scores))
            timed = Timed(measured=named, seconds=time.monotonic() - started)
            (folder / MEASURED).write_bytes(msgspec.json.encode(timed))

        folder = self._cache.folder("measurements", entry, make)
        timed = msgspec.json.decode((folder / MEASURED).read_bytes(), type=Timed)
        reason = watch(timed.measured.metrics, timed.measured.checks)
        if reason is not None:  # asked again, so that the answer does not depend on what the cache holds
            raise Skipped(reason)
        scores = tuple(str(folder / name) for name in timed.measured.scores)
        compiled = timed.measured.compiled
        if compiled is not None and compiled.path is not None:
            compiled = msgspec.structs.replace(compiled, path=str(folder / compiled.path))
        # after the cache, so that a new measurement on the device is used at once and in every report
        metrics, told = applied(timed.measured.metrics, file_digest(tflite), self._profile)
        notes = (*timed.measured.notes, *told)
        placed = msgspec.structs.replace(timed.measured, metrics=metrics, scores=scores, compiled=compiled, notes=notes)
        return msgspec.structs.replace(timed, measured=placed)

    def beside(self, baseline: Path, measured: Measured, split: Split, progress: Progress) -> Measured:
        """The measurement with `accuracy_drop` added, paired with the baseline on the same split."""
        reference, metric = self.measured(baseline, split, progress).measured, self._project.goal.judged_by
        pair = [[file_digest(Path(path)) for path in scores] for scores in (reference.scores, measured.scores)]

        def compute() -> Any:
            with self._semaphore.acquired():
                found = drop(metric, self._dataset, split, reference.scores, measured.scores, root=self._root)
            if isinstance(found, Failed) and not found.repeatable:
                raise TrialFailed(f"the drop of {metric.name}: {found.reason}")
            return to_builtins(drop_metric(found, split, basis_of(self._profile)))

        entry = self._key_on(split, pair=pair, basis=basis_of(self._profile))
        value = self._cache.value("drops", entry, compute)
        metrics = {**measured.metrics, "accuracy_drop": msgspec.convert(value, Metric)}
        return msgspec.structs.replace(measured, metrics=metrics)

    def widened(self, baseline: Path, tflite: Path, measured: Measured, progress: Progress) -> Measured:
        """The measurement of a file that was not trained, with its drop on more samples than the validation split has.

        Unchanged if the validation split is large enough, or is the user's own (`edgekit.ingest.widen`).
        """
        dataset = self._wide_dataset()
        if dataset is None or not measured.scores:
            return measured
        reference, scores = (self._wide_outputs(path, dataset, progress) for path in (baseline, tflite))
        own, wide = self._dataset.splits["validation"].samples, dataset.splits["validation"].samples
        if wide == own:
            return measured
        with self._semaphore.acquired():
            found = drop(self._project.goal.judged_by, dataset, "validation", reference, scores, root=self._root)
        metric = drop_metric(found, "validation", basis_of(self._profile))
        what = f"the {own} of the validation split and {wide - own} training samples that calibration did not see"
        note = f"what is not trained is chosen on {wide} samples: {what}"
        metric = msgspec.structs.replace(metric, split="validation and train", source=f"{metric.source}; {what}")
        notes = (*measured.notes, note)
        return msgspec.structs.replace(measured, metrics={**measured.metrics, "accuracy_drop": metric}, notes=notes)

    def _wide_dataset(self) -> Dataset | None:
        """The data with a wider validation split; None if it is wide enough, or must not be widened."""
        goal, dataset = self._project.goal, self._dataset
        reach = reach_of(dataset.splits["validation"].samples)
        if (
            goal.judged_by.name != "accuracy"
            or not can_be_widened(dataset)
            or 2 * reach <= max(goal.max_drop_points, HALF_A_POINT)
        ):
            return None
        samples, seed = self._project.calibration.samples, self._project.seed
        entry = key(data=dataset.sha256, root=dataset.root, samples=samples, seed=seed)

        def make(folder: Path) -> None:
            widen(dataset, folder, calibration=samples, seed=seed)

        return Dataset.open(self._cache.folder("widened", entry, make))

    def _wide_outputs(self, tflite: Path, dataset: Dataset, progress: Progress) -> list[str]:
        kind = self._profile.runtime.kind
        entry = key(
            outputs=file_digest(tflite), data=dataset.sha256, runtime=kind, model=self._model.key, versions=versions(),
            processor=processor(),
        )  # fmt: skip

        def make(folder: Path) -> None:
            with self._semaphore.acquired():
                found = outputs_of(
                    tflite,
                    self._profile,
                    dataset=dataset,
                    split="validation",
                    scratch=folder,
                    progress=progress,
                    input_order=port_names(self._model.facts.inputs),
                    output_order=port_names(self._model.facts.outputs),
                )
            if isinstance(found, Failed):
                raise TrialFailed(found.reason)
            (folder / MEASURED).write_bytes(msgspec.json.encode([Path(path).name for path in found]))

        folder = self._cache.folder("measurements", entry, make)
        return [str(folder / name) for name in msgspec.json.decode((folder / MEASURED).read_bytes())]

    def require_score(self, measured: Measured) -> None:
        """Raise `ProjectError` if a file runs but the metric cannot be computed: it would fail for every other file, too."""
        metric = measured.metrics.get(self._project.goal.judged_by.name)
        if measured.scores and metric is not None and metric.value is None:
            raise ProjectError(
                "the metric cannot be computed on the validation split",
                where="goal.metric",
                received=metric.reason,
                next_step="mend the metric's function, or choose a metric that these targets define",
            )

    def keras_score(self, split: Split, *, progress: Progress) -> Metric | None:
        """The Keras model's own score on a split by the same metric; None for a user's own metric, and where the baseline is the model itself, a file."""
        spec = self._project.goal.judged_by
        if is_function(spec.name) or self._model.facts.untrainable:
            return None

        def compute() -> Any:
            rows = self._dataset.rows(split)
            targets = [array[rows] for array in self._dataset.targets(split)]
            outputs = [mapped(path) for path in self._keras_outputs(split, progress=progress)]
            return to_builtins(score(spec, targets, outputs))

        found = msgspec.convert(self._cache.value("scores", self._key_on(split, keras=self._model.key), compute), Score)
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

    def _key_on(self, split: Split, **parts: Any) -> str:
        """The cache key of something that the evaluator computes on a split."""
        metric = self._project.goal.judged_by
        return key(
            **parts,
            data=self._dataset.sha256,
            split=split,
            metric=metric,
            function=digest(metric.name, root=self._root, error=ProjectError) if is_function(metric.name) else "",
            versions=versions(),
            processor=processor(),
        )
