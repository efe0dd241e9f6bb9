"""The job `train`: one technique's training on a model, checked with all that was made before it, and stored."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from edgekit.documents.candidate import Step
from edgekit.ingest.dataset import Dataset
from edgekit.make.workshop.door import Door, door
from edgekit.make.workshop.fit import Fit, OutOfTime
from edgekit.make.workshop.store import open_model, save_model, settings_of
from edgekit.progress import Progress
from edgekit.techniques import technique
from edgekit.techniques.interface import Constraint, Evidence
from edgekit.values import read, to_builtins


def train(job: dict[str, Any], progress: Progress) -> Any:
    """Apply the last of `job["steps"]` to the model in `job["model"]`, write the result to `job["target"]`.

    Returns the evidence of every step so far, how it was trained, what the time `cut` of it, and the seconds. The job also holds `dataset`,
    `training`, `losses` (one an output), `teacher` (the float model's outputs by split, as paths; may be absent), `float_model` (its folder), `seconds_left` (None where the
    time is not limited), `seed`, `root` and `imports`; the steps before the last are those that made the model. Where the time was over before
    any weights had their form there is no model, and the answer says so as `nothing`.
    """
    tools, started = door(), time.monotonic()
    left = job.get("seconds_left")
    tools.fresh(job["seed"])
    steps = [read(step, Step, where="job") for step in job["steps"]]
    before = steps[:-1]
    method, settings = technique(steps[-1].technique), settings_of(steps[-1])
    model = open_model(tools, Path(job["model"]), before, job)

    def keepers(training: Any) -> Sequence[Constraint]:
        return [technique(step.technique).keep(tools, training, settings_of(step)) for step in before]

    until = math.inf if left is None else started + left
    fit = Fit(tools, Dataset.open(Path(job["dataset"])), job, keepers, progress, until)
    try:
        trained = method.apply(tools, model, settings, fit, before)
    except OutOfTime:
        return {"nothing": True, "seconds": time.monotonic() - started}
    evidence = [_shown(tools, trained, step) for step in steps]
    save_model(trained, Path(job["target"]))
    return {
        "evidence": to_builtins(evidence),
        "training": fit.note,
        "cut": fit.cut,
        "seconds": time.monotonic() - started,
    }


def _shown(tools: Door, model: Any, step: Step) -> Evidence:
    """What is seen of a step in the model; where a rounding fell otherwise, once the technique has mended its form."""
    method, settings = technique(step.technique), settings_of(step)
    found = method.check(tools, model, settings)
    mend = getattr(method, "mend", None)
    moved = mend(tools, model, settings) if mend is not None and not found.holds else 0
    if not moved:
        return found
    mended = method.check(tools, model, settings)
    return msgspec.structs.replace(mended, detail=f"{mended.detail}; {moved} weights were moved to the nearest of them")
