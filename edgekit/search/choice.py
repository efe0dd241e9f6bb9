"""What a search chose: the value that a conclusion is drawn from, whether a planner or a lock gave it."""

from __future__ import annotations

from typing import Protocol

from edgekit.documents.candidate import Declined
from edgekit.planner.proposal import Proposal
from edgekit.planner.trial import Trial


class Choice(Protocol):
    """What was chosen on the validation split, and what was not tried: usually a planner that was told of every trial."""

    declined: list[Declined]
    too_large: list[Proposal]

    def best(self) -> Trial | None:
        """The chosen trial, which passes; None where none does."""
        ...

    def closest(self) -> Trial | None:
        """Where none passes, the trial that misses by the least."""
        ...

    def reasons(self) -> dict[str, str]:
        """Why each passing trial that is not chosen was not, by name, the runner-up first."""
        ...
