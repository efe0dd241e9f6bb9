"""Converts a trained model to a candidate's file, in a second way where the first fails: with recurrent loops unrolled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgekit.documents.facts import port_names
from edgekit.ingest.materials import Materials
from edgekit.ingest.model import OpenedModel
from edgekit.jobs.cache import key, processor, versions
from edgekit.jobs.worker import TrialFailed
from edgekit.make.cached_jobs import CachedJobs
from edgekit.make.evidence import lacking
from edgekit.make.stages import Stage
from edgekit.planner.proposal import Proposal
from edgekit.progress import Progress
from edgekit.techniques import identity
from edgekit.techniques.steps import published
from edgekit.values import to_builtins
from edgekit.verdict.converter_said import NO_LOOPS, WITHOUT_KERNEL


class Converter:
    """Makes files of stages; raises `TrialFailed` where that is impossible, and at the `deadline` (of `time.monotonic`)."""

    def __init__(self, materials: Materials, jobs: CachedJobs) -> None:
        self._project, self._dataset, self._model = materials.project, materials.dataset, materials.model
        self._jobs = jobs

    def converted(
        self, candidate: Proposal, stage: Stage, progress: Progress, deadline: float | None
    ) -> tuple[Path, dict[str, Any]]:
        """The file and the job's answer; where it fails, or has loops and lacks a proof, it is tried again with recurrent loops unrolled."""
        try:
            tflite, answer = self._convert(candidate, stage, progress, deadline)
            missing = lacking(answer["evidence"], "in the file")
            if not (answer["loops"] and missing):
                return tflite, answer
            first = TrialFailed(missing, seconds=stage.seconds + answer["seconds"])
        except TrialFailed as failed:
            if not failed.again:
                raise
            first = failed
        try:
            tflite, answer = self._convert(candidate, stage, progress, deadline, unrolled=True)
        except TrialFailed as second:
            if NO_LOOPS in second.reason:
                raise first from None
            if WITHOUT_KERNEL in second.reason:  # no form of the loop changes that
                raise
            reason = f"{first.reason}; a second way, with loops unrolled: {second.reason.removeprefix('convert: ')}"
            raise TrialFailed(reason, seconds=first.seconds, timed_out=second.timed_out) from second
        told = f"recurrent layers are unrolled in the file, {answer['steps_unrolled']} steps in all, for with their loops it failed: {first.reason}"
        return tflite, {**answer, "unrolled": told}

    def _convert(
        self,
        candidate: Proposal,
        stage: Stage,
        progress: Progress,
        deadline: float | None,
        *,
        unrolled: bool = False,
    ) -> tuple[Path, dict[str, Any]]:
        samples = self._project.calibration.samples
        calibrated, sizes = candidate.conversion.calibrated, self._sizes(stage.network)
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
        made, answer = self._jobs.run("artifacts", entry, job, progress, deadline)
        return made / "model.tflite", answer

    def _sizes(self, model: OpenedModel) -> list[list[int]] | None:
        """The shape of a sample of each input, as the data has it; None where the model leaves no size free."""
        if not any(None in tensor.shape for tensor in model.facts.inputs):
            return None
        return [list(array.shape[1:]) for array in self._dataset.splits["train"].inputs]
