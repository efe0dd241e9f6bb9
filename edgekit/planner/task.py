"""Makes the task that the planner gets for one device, from a profile, a model's facts and the settings of a project."""

from __future__ import annotations

from edgekit.devices.profile import DeviceProfile
from edgekit.documents.facts import ModelFacts, Replacement
from edgekit.project.project import Project
from edgekit.project.request import limits_for
from edgekit.techniques.interface import Task


def task_for(
    profile: DeviceProfile, facts: ModelFacts, settings: Project, replacement: Replacement | None = None
) -> Task:
    """The task of one device: the board's limits, overridden by the project's, with the defaults.

    `replacement` is the network that the project offers in the model's place.
    """
    return Task(
        profile=profile,
        facts=facts,
        goal=settings.goal,
        limits=limits_for(profile, settings),
        trains=settings.training.epochs > 0 and not facts.untrainable,
        exclude=settings.training.exclude,
        chains=settings.chains,
        engine=settings.training.engine,
        replacement=replacement,
    )
