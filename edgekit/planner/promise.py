"""Which chains are tried first: of as many techniques, those whose parts lost together no more than may be lost, the smallest of them by the goal.

Losses of techniques do not just add up, so their sum declines no chain: it only says where to begin. A chain that passes
makes all that takes less away needless, and one that loses too much all that takes more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edgekit.planner.chains import strength
from edgekit.planner.proposal import Proposal
from edgekit.planner.rules import is_witness, lost
from edgekit.planner.trial import Trial
from edgekit.techniques.interface import Task
from edgekit.techniques.steps import TypedStep


def by_promise(
    task: Task, chains: Sequence[Proposal], trials: Sequence[Trial], order: Callable[[Proposal], tuple[object, ...]]
) -> list[Proposal]:
    """The chains in the order to try them; `order` sorts by what they are predicted to cost."""

    def key(chain: Proposal) -> tuple[object, ...]:
        loses_too_much = sum(_loss(step, trials) for step in chain.training) > task.goal.max_drop_points
        return len(chain.training), loses_too_much, order(chain)

    return sorted(chains, key=key)


def _loss(step: TypedStep, trials: Sequence[Trial]) -> float:
    """The points that a step lost alone, or the lightest of its technique that takes at least as much away; 0 where none was tried."""
    found = [
        (strength(trial.candidate.training[0]) or 0.0, lost(trial))
        for trial in trials
        if is_witness(trial) and trial.failure is None and len(trial.candidate.training) == 1
        and _at_least(trial.candidate.training[0], step)
    ]  # fmt: skip
    return max(0.0, min(found)[1]) if found else 0.0


def _at_least(one: TypedStep, other: TypedStep) -> bool:
    if one.technique.name != other.technique.name:
        return False
    more, less = strength(one), strength(other)
    return one == other or (more is not None and less is not None and more >= less)
