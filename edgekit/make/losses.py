"""The losses that a model is trained with, one per output, chosen before any work is done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgekit.documents.facts import ModelFacts
from edgekit.errors import ProjectError
from edgekit.ingest.dataset import Dataset
from edgekit.ingest.match import choose_losses
from edgekit.ingest.variations import variations
from edgekit.jobs.cache import Cache, key, versions
from edgekit.jobs.pool import Jobs
from edgekit.jobs.worker import Failed
from edgekit.progress import Progress
from edgekit.project.project import Project
from edgekit.verdict.task import OutputTask


def losses_to_train(
    project: Project,
    facts: ModelFacts,
    dataset: Dataset,
    tasks: Sequence[OutputTask],
    cache: Cache,
    pool: Jobs,
    *,
    progress: Progress,
) -> tuple[str, ...]:
    """The losses to train with; none where nothing is trained. Losses that the project names are tried out in a worker.

    Raises `ProjectError` for a loss that cannot be made, and for an augmentation that does not suit the model.
    """
    if project.training.epochs == 0 or facts.untrainable:
        return ()
    losses = choose_losses(project.training.loss, facts, dataset, tasks)
    if project.training.augment is not None:
        variations(project.training.augment, facts.inputs, facts.outputs)  # fails before any work
    if project.training.loss is not None:

        def check() -> Any:
            answer = pool.run({"do": "check_loss", "losses": losses}, progress=progress)
            if isinstance(answer, Failed):
                raise ProjectError("the loss cannot be made", where="training.loss", received=answer.reason)
            return True

        cache.value("losses", key(losses=losses, versions=versions()), check)
    return losses
