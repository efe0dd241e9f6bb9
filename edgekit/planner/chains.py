"""Several training techniques in one candidate: which chains there are, and which of two candidates is the lighter.

A technique that can be part of a chain gives its place (`place_in_chain`) and how much each of its settings takes away
(`strength`). What a chain costs, and whether it is worth a trial, is decided elsewhere.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from edgekit.planner.proposal import Proposal
from edgekit.techniques import techniques
from edgekit.techniques.interface import Technique, TrainingTechnique
from edgekit.techniques.steps import TypedStep, training_of


def chains(proposed: dict[str, list[TypedStep]]) -> list[tuple[TypedStep, ...]]:
    """All chains of two or more training techniques, each with each of its settings: the shorter first, then the stronger.

    `proposed` holds the steps by technique. The stronger come first because the parts of a chain were tried alone
    before: where the strongest parts that passed also pass together, no weaker chain is needed.
    """
    found = []
    names = [name for name in in_chain_order() if name in proposed]
    for length in range(2, len(names) + 1):
        for chosen in itertools.combinations(names, length):
            options = [sorted(proposed[name], key=lambda step: -(strength(step) or 0.0)) for name in chosen]
            found += [steps for steps in itertools.product(*options) if may_follow(steps)]
    return found


def in_chain_order() -> list[str]:
    """The training techniques that can be part of a chain, in the order of a chain."""
    places = {name: place(found) for name, found in techniques().items()}
    return sorted((name for name, found in places.items() if found is not None), key=lambda name: places[name] or 0)


def heavier_step(step: TypedStep) -> TypedStep | None:
    """A step with the next stronger settings of its technique; None where there are none."""
    settings = training_of(step).stronger(step.settings)
    return None if settings is None else TypedStep(technique=step.technique, settings=settings)


def may_follow(steps: Sequence[TypedStep]) -> bool:
    """Whether each training technique, with these settings, can preserve what the techniques before it made."""
    names = [step.technique.name for step in steps]
    return all(training_of(step).keeps(step.settings, names[:count]) for count, step in enumerate(steps))


def place(method: Technique) -> float | None:
    """The place of a technique in a chain; None where it is only used alone."""
    return method.place_in_chain if isinstance(method, TrainingTechnique) else None


def lighter_or_equal(one: Proposal, other: Proposal) -> bool:
    """Whether `one` is known to take no more away than `other`.

    Both are of the same network, it has the same conversion or a variant of it, and `other` has each of its techniques,
    at least as strong.
    """
    theirs = {step.technique.name: step for step in other.training}
    first, second = (found.conversion.variant_of or found.conversion.name for found in (one, other))
    pairs = [(step, theirs.get(step.technique.name)) for step in one.training]
    alike = first == second and one.is_of_replacement == other.is_of_replacement
    return alike and all(heavier is not None and _at_most(step, heavier) for step, heavier in pairs)


def _at_most(one: TypedStep, other: TypedStep) -> bool:
    """Whether a step takes no more away than another one of its technique; of one that gives no strengths, only equal steps are compared."""
    less, more = strength(one), strength(other)
    return one == other or (less is not None and more is not None and less <= more)


def trained_with(candidate: Proposal) -> frozenset[str]:
    """The names of a candidate's training techniques."""
    return frozenset(step.technique.name for step in candidate.training)


def strength(step: TypedStep) -> float | None:
    """How much a training step takes away from the model; None where its technique does not say."""
    return training_of(step).strength(step.settings)


def simulates(candidate: Proposal) -> bool:
    """Whether a candidate was trained with the rounding of its conversion simulated."""
    return any(training_of(step).simulates for step in candidate.training)


def may_convert(conversion: str, steps: Sequence[TypedStep]) -> bool:
    """Whether a conversion may follow training steps: no step simulates the rounding of others."""
    return all(conversion in (training_of(step).simulates or (conversion,)) for step in steps)
