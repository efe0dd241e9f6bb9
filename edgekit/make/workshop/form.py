"""The Keras that a technique works on: a model of Keras 3 is rebuilt for tf_keras where a technique asks for that, and nowhere else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgekit.errors import ModelError
from edgekit.make.workshop.answers import is_keras3
from edgekit.make.workshop.door import Door, door
from edgekit.make.workshop.rebuild import rebuild
from edgekit.make.workshop.store import open_model, steps_of
from edgekit.progress import Progress
from edgekit.techniques.steps import TypedStep, training_of


def in_form(tools: Door, model: Any, step: TypedStep, *, where: str) -> Any:
    """The model in the form that a step works on, with the names of its layers; raises `ModelError` where it cannot be rebuilt."""
    if training_of(step).form(step.settings) != "tf_keras" or not is_keras3(model):
        return model
    try:
        return rebuild(tools, model, where=where)[0]
    except ModelError as problem:
        raise ModelError(
            f"{step.technique.name} is done by layers of tf_keras alone: {problem.what}",
            where=where, received=problem.received, allowed=problem.allowed, next_step=problem.next_step,
        ) from problem  # fmt: skip


def take_form(job: dict[str, Any], progress: Progress) -> Any:
    """The job `take_form`: raises `ModelError` where the model in `job["model"]` has no form that one of `job["steps"]` works on.

    Every step of the job is a training. Asked before a chain is trained, it saves training what cannot be finished.
    """
    tools = door()
    tools.fresh(job["seed"])
    model = open_model(tools, Path(job["model"]), (), job)
    for step in steps_of(job):
        progress("rebuilding the model", 0, 1)
        in_form(tools, model, step, where=job["model"])
    return {}
