"""The job `train`: trains a model with one technique, checks it and all earlier techniques in the model, and stores it."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from edgekit.ingest.dataset import Dataset
from edgekit.make.workshop.curve import Curve, Hopeless
from edgekit.make.workshop.door import Door, door
from edgekit.make.workshop.fit import Fit, OutOfTime
from edgekit.make.workshop.form import in_form
from edgekit.make.workshop.store import open_model, save_model, steps_of
from edgekit.progress import Progress
from edgekit.techniques.interface import Constraint, Evidence
from edgekit.techniques.steps import TypedStep, training_of
from edgekit.values import to_builtins


def train(job: dict[str, Any], progress: Progress) -> Any:
    """Apply the last of `job["steps"]` to the model in `job["model"]`, and write the result to `job["target"]`.

    Returns the evidence of every step so far, how the model was trained, what was `cut` for lack of time, and the seconds. The
    job also holds `dataset`, `training`, `losses` (one per output), `teacher` (the float model's outputs by split, as
    paths; may be absent), `float_model` (its folder), `seconds_left` (None where the time is not limited), `seed`,
    `root` and `imports`. The steps before the last are those that made the model. Where the time was over before any
    weights had the technique's form, no model is written, and the answer has `nothing`. `outlook` (may be absent) says what may be lost:
    where the rest of the training is predicted not to be enough, it ends, no model is written, and the answer has `hopeless`. Raises `ModelError` before any
    training where the technique works on tf_keras, and the model cannot be rebuilt for it.
    """
    tools, started = door(), time.monotonic()
    left = job.get("seconds_left")
    tools.fresh(job["seed"])
    steps = steps_of(job)
    before, last = steps[:-1], steps[-1]
    model = in_form(tools, open_model(tools, Path(job["model"]), before, job), last, where=job["model"])

    def keepers(trained: Any) -> Sequence[Constraint]:
        return [training_of(step).keep(tools, trained, step.settings) for step in before]

    until = math.inf if left is None else started + left
    dataset, asked = Dataset.open(Path(job["dataset"])), job.get("outlook")
    curve = Curve(dataset, asked) if asked else None
    fit = Fit(tools, dataset, job, keepers, progress, until, curve)
    try:
        trained = training_of(last).apply(tools, model, last.settings, fit, before)
    except OutOfTime:
        return {"nothing": True, "seconds": time.monotonic() - started}
    except Hopeless as found:
        return {"hopeless": to_builtins(found.outlook), "seconds": time.monotonic() - started}
    evidence = [_shown(tools, trained, step) for step in steps]
    save_model(trained, Path(job["target"]))
    return {
        "evidence": to_builtins(evidence),
        "training": fit.note,
        "cut": fit.cut,
        "seconds": time.monotonic() - started,
    }


def _shown(tools: Door, model: Any, step: TypedStep) -> Evidence:
    """What the model shows of a step; where rounding broke the technique's form, what it shows after the repair."""
    method, settings = training_of(step), step.settings
    found = method.ensures_in_model(tools, model, settings)
    moved = 0 if found.holds else method.mend(tools, model, settings)
    if not moved:
        return found
    mended = method.ensures_in_model(tools, model, settings)
    return msgspec.structs.replace(mended, detail=f"{mended.detail}; {moved} weights were moved to the nearest of them")
