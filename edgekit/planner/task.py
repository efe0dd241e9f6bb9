"""The task of a device: what the planner is asked, made of a profile, a model's facts and the settings of a project."""

from __future__ import annotations

from edgekit.devices.profile import DeviceProfile
from edgekit.documents.facts import ModelFacts
from edgekit.project.project import Project
from edgekit.project.request import limits_for
from edgekit.techniques.interface import Task


def task_for(profile: DeviceProfile, facts: ModelFacts, settings: Project) -> Task:
    """The task of one device: what the board has, overridden by the project's limits, and the defaults beside."""
    return Task(
        profile=profile,
        facts=facts,
        goal=settings.goal,
        limits=limits_for(profile, settings),
        trains=settings.training.epochs > 0,
        exclude=settings.training.exclude,
        chains=settings.chains,
    )
