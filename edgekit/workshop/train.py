"""The job `train`: one technique's training on a model, checked with all that was made before it, and stored."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgekit.candidate import Step
from edgekit.child import Progress
from edgekit.dataset import Dataset
from edgekit.techniques import technique
from edgekit.techniques.interface import Shaping
from edgekit.values import read, to_builtins
from edgekit.workshop.door import door
from edgekit.workshop.fit import Fit
from edgekit.workshop.store import open_model, save_model, settings_of


def train(job: dict[str, Any], progress: Progress) -> Any:
    """Apply the last of `job["steps"]` to the model in `job["model"]`, write the result to `job["target"]`.

    Returns the evidence of every step so far, how it was trained, and the seconds. The job also holds `dataset`, `training`,
    `losses` (one an output), `teacher` (the float model's outputs by split, as paths; may be absent), `float_model` (its
    folder), `seed`, `root` and `imports`; the steps before the last are those that made the model.
    """
    tools, started = door(), time.monotonic()
    tools.fresh(job["seed"])
    steps = [read(step, Step, where="job") for step in job["steps"]]
    before = steps[:-1]
    method, settings = technique(steps[-1].technique), settings_of(steps[-1])
    model = open_model(tools, Path(job["model"]), before, job)

    def keepers(training: Any) -> Sequence[Shaping]:
        return [technique(step.technique).keep(tools, training, settings_of(step)) for step in before]

    fit = Fit(tools, Dataset.open(Path(job["dataset"])), job, keepers, progress)
    trained = method.apply(tools, model, settings, fit, before)
    evidence = [technique(step.technique).check(tools, trained, settings_of(step)) for step in steps]
    save_model(trained, Path(job["target"]))
    return {"evidence": to_builtins(evidence), "training": fit.note, "seconds": time.monotonic() - started}
