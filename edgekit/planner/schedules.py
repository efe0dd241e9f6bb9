"""How many steps of training the schedules of candidates need, beside what a project's training has: said before anything is trained, and in the report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from edgekit.planner.proposal import Proposal
from edgekit.techniques.steps import training_of


def steps_of(*, epochs: int, samples: int, batch_size: int) -> int:
    """The optimiser's steps of a whole training.

    >>> steps_of(epochs=1, samples=1150, batch_size=32)
    36
    """
    return epochs * -(-samples // batch_size)


def schedule_notes(candidates: Sequence[Proposal], steps: int | None = None) -> Iterator[str]:
    """What is said of each schedule that needs more steps than a training has; of all that need some where `steps` is not known."""
    for candidate in candidates:
        for step in candidate.training:
            needed = training_of(step).steps_needed(step.settings)
            if not needed or (steps is not None and steps >= needed):
                continue
            has = (
                "a training has epochs x training samples / batch_size of them"
                if steps is None
                else f"the training has {steps}"
            )
            what = "" if steps is None else "warning: "
            yield (
                f"{what}{candidate.name}: the schedule of {step.technique.name} needs {needed} steps of training, and {has}; "
                "with fewer it may lose much (more epochs, or a smaller batch_size)"
            )
