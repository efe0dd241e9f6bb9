"""Makes one candidate's file: training stage by stage, then conversion, with the evidence checked after each.

Every stage and file is cached by everything that it depends on: an interrupted build continues where it was. It does not
know how good a file is. How each part is done is known to `edgekit.make.stages` and `edgekit.make.conversion`.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import msgspec

from edgekit.ingest.materials import Materials
from edgekit.make.cached_jobs import CachedJobs
from edgekit.make.conversion import Converter
from edgekit.make.evidence import proven
from edgekit.make.stages import Stages
from edgekit.planner.proposal import Proposal
from edgekit.progress import Progress
from edgekit.tflite.diet.whole import Saving
from edgekit.values import Value


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


class Maker:
    """Makes the files of candidates; raises `TrialFailed` where that is impossible.

    At the `deadline` (of `time.monotonic`) a conversion is stopped, and a training stops with its best weights so far.
    """

    def __init__(self, materials: Materials) -> None:
        jobs = CachedJobs(materials)
        self._stages, self._converter = Stages(materials, jobs), Converter(materials, jobs)

    def make(
        self, candidate: Proposal, progress: Progress, deadline: float | None, *, max_drop: float | None = None
    ) -> Made:
        """The candidate's file. Every step must be seen in the model after each stage, and in the file.

        With `max_drop`, in points, the last training ends where it is predicted to lose more: raises `Hopeless`.
        """
        stage = self._stages.trained(candidate, progress, deadline, max_drop)
        tflite, answer = self._converter.converted(candidate, stage, progress, deadline)
        seconds = stage.seconds + answer["seconds"]
        return Made(
            tflite=tflite,
            before=_before_diet(tflite, answer["diet"]),
            model=stage.folder,
            seconds=seconds,
            evidence=(*stage.proofs, *proven(answer["evidence"], "in the file", seconds)),
            training=tuple(stage.training),
            cut=tuple(stage.cut),
            notes=_notes(answer),
        )


def _before_diet(tflite: Path, diet: dict[str, Any]) -> BeforeDiet:
    """What the diet of a conversion's file began with, by the job's answer."""
    return BeforeDiet(
        path=None if diet["before"] is None else str(tflite.with_name(diet["before"])),
        labels=tuple(diet["labels"]),
        savings=msgspec.convert(diet["savings"], tuple[Saving, ...]),
        reason=diet["reason"],
    )


def _notes(answer: dict[str, Any]) -> tuple[str, ...]:
    """The notes of a conversion: on its calibration, on what was done before quantization, and on loops that were unrolled."""
    calibration, unrolled = answer["calibration"], answer.get("unrolled")
    own = (f"calibration: {calibration}",) if calibration else ()
    return (*own, *answer["quantization"], *((unrolled,) if unrolled else ()))
