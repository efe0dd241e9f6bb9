"""Several training techniques in one candidate: which chains there are, and which of two candidates is the lighter.

A technique that can be part of a chain gives its place (`place_in_chain`) and how much each of its settings takes away
(`strength`). What a chain costs, and whether it is worth a trial, is decided elsewhere.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from edgekit.documents.candidate import Declined, Step
from edgekit.documents.facts import ModelFacts
from edgekit.errors import ProjectError, did_you_mean
from edgekit.planner.given_file import ruled_out_by_file
from edgekit.planner.proposal import Proposal
from edgekit.techniques import technique, techniques
from edgekit.techniques.interface import Task, Technique, TrainingTechnique
from edgekit.techniques.sites import matching
from edgekit.techniques.steps import TypedStep, effect, on_device, training_of
from edgekit.values import read, to_builtins

NAMED = 20
"""An error names at most this many layers."""


def chains(proposed: dict[str, list[TypedStep]]) -> list[tuple[TypedStep, ...]]:
    """All chains of two or more training techniques, each with each of its settings: the shorter first, then the stronger.

    `proposed` holds the steps by technique. The stronger come first because the parts of a chain were tried alone
    before: where the strongest parts that passed also pass together, no weaker chain is needed.
    """
    found = []
    names = [name for name in _in_chain_order() if name in proposed]
    for length in range(2, len(names) + 1):
        for chosen in itertools.combinations(names, length):
            options = [sorted(proposed[name], key=lambda step: -(strength(step) or 0.0)) for name in chosen]
            found += [steps for steps in itertools.product(*options) if may_follow(steps)]
    return found


def _in_chain_order() -> list[str]:
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


def own_chain(
    task: Task,
    steps: Sequence[Step],
    number: int,
    conversion: TypedStep | None,
    defaults: Mapping[str, Mapping[str, Any]],
) -> tuple[TypedStep, ...]:
    """A chain of the project itself with all settings written out, and with `conversion` at its end where it names none.

    `defaults` holds the settings that the device needs of each conversion; a step takes from there, and from the project's own engine of
    simulated rounding, what it does not give.

    Raises `ProjectError` for an unknown technique, setting or layer, for techniques in an order that is not
    possible, and for those of which nothing would be left.
    """
    where = f"edgekit.toml: chain {number}"
    full: list[TypedStep] = []
    network = task
    for index, step in enumerate(steps, start=1):
        full.append(_written_out(network, step, f"{where}: step {index}", defaults))
        network = _network_after(task, full[-1], f"{where}: step {index}") if network is task else network
    if full[-1].technique.kind == "training":
        if conversion is None:
            raise ProjectError("a chain ends in a conversion", where=where, received=full[-1].technique.name)
        full.append(conversion)
    early = [step.technique.name for step in full[:-1] if step.technique.kind == "conversion"]
    if early:
        raise ProjectError("a conversion is the last step of a chain", where=where, received=" + ".join(early))
    places = [place(step.technique) for step in full[:-1]]
    if len(places) > 1 and (None in places or any(a >= b for a, b in itertools.pairwise(p or 0 for p in places))):
        raise ProjectError(
            "these techniques do not follow one another",
            where=where,
            received=" + ".join(step.technique.name for step in full[:-1]),
            allowed=f"{', '.join(_in_chain_order())}, each once and in this order",
        )
    _require_kept(task, full, where)
    return tuple(full)


def _require_kept(task: Task, steps: Sequence[TypedStep], where: str) -> None:
    """Raise `ProjectError` where a step cannot keep what those before it made, or nothing of one is left after the conversion."""
    names = [step.technique.name for step in steps]
    for count, step in enumerate(steps[:-1]):
        if not training_of(step).keeps(step.settings, names[:count]):
            raise ProjectError(
                "a step with these settings does not keep what the steps before it made",
                where=f"{where}: step {count + 1}",
                received=f"{step.label} after {' + '.join(one.label for one in steps[:count])}",
                next_step="give it weaker settings, or leave one of them out",
            )
    for step in steps[:-1]:
        reason = _undone(task, step, steps)
        if reason is not None:
            asked = [one for one in techniques().values() if ruled_out_by_file(task, one) is None]
            ends = [TypedStep(technique=one, settings=one.settings_type()) for one in asked]
            kept = [
                end.technique.name for end in ends
                if end.technique.kind == "conversion" and end.technique.unsupported(task.profile) is None
                and _undone(task, step, (*steps[:-1], end)) is None
            ]  # fmt: skip
            raise ProjectError(
                f"nothing of {step.technique.name} would be left: {reason}",
                where=where,
                received=" + ".join(names),
                allowed=", ".join(kept),
            )


def _undone(task: Task, step: TypedStep, steps: Sequence[TypedStep]) -> str | None:
    made, _ = effect(task.graph, on_device(task.profile, steps))
    return training_of(step).undone(made, step.settings)


def _network_after(task: Task, step: TypedStep, where: str) -> Task:
    """The task for the steps after one, which may replace the model; raises `ProjectError` where the project offers no replacement."""
    method = step.technique
    if not isinstance(method, TrainingTechnique) or not method.from_replacement:
        return task
    if task.replaced is None:
        answer = method.propose(task)
        reason = answer.reason if isinstance(answer, Declined) else "the project offers no network in the model's place"
        raise ProjectError(reason, where=where, received=method.name)
    return task.replaced


def _given_by_projects(method: Technique) -> list[str]:
    """The names of a technique's settings that a project may give."""
    return [name for name in method.settings_type.__struct_fields__ if name not in method.written_by_planner]


def _written_out(task: Task, step: Step, where: str, defaults: Mapping[str, Mapping[str, Any]]) -> TypedStep:
    method = technique(step.technique, where=where)
    forged = [name for name in step.settings if name in method.written_by_planner]
    if forged:
        raise ProjectError(
            "a setting that the planner writes",
            where=f"{where}: {forged[0]}",
            received=str(step.settings[forged[0]]),
            allowed=", ".join(_given_by_projects(method)) or f"no settings for {method.name}",
            next_step="leave it out",
        )
    projects = {"engine": task.engine} if "engine" in method.settings_type.__struct_fields__ else {}
    given = {**projects, **defaults.get(step.technique, {}), **step.settings}
    settings = read(given, method.settings_type, where=where, error=ProjectError)
    patterns = to_builtins(settings).get("exclude")
    if patterns is not None:
        require_layers([task.facts], patterns, f"{where}: exclude")
        left_out = tuple(method.leave_out(task.facts, [*patterns, *task.exclude]))
        settings = msgspec.structs.replace(settings, exclude=left_out)
    return TypedStep(technique=method, settings=settings)


def require_layers(networks: Sequence[ModelFacts], patterns: Sequence[str], where: str) -> None:
    """Raise `ProjectError` for a pattern that matches no layer of any: the layer that it should leave out would not be left out."""
    for pattern in patterns:
        if not any(matching(facts, [pattern]) for facts in networks):
            names = [layer.name for facts in networks for layer in facts.layers]
            near = did_you_mean(pattern, names)
            raise ProjectError(
                "no layer of the model has this name",
                where=where,
                received=pattern,
                allowed=", ".join(names[:NAMED]) + (", ..." if len(names) > NAMED else ""),
                next_step=f"did you mean {near!r}?" if near else "`edgekit inspect` lists the layers of the model",
            )
