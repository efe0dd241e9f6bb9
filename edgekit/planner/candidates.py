"""All candidates that a task admits, with what each is predicted to cost, and why the other techniques are declined.

Pure: it asks the techniques what they propose and the cost models what that costs, and runs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from edgekit.documents.candidate import Declined
from edgekit.planner.chains import chains, heavier_step, may_convert, may_follow
from edgekit.planner.conversions import Steps, conversions_after, ends_for_trained, may_pack, packed_by
from edgekit.planner.estimates import order
from edgekit.planner.given_file import ruled_out_by_file
from edgekit.planner.layer_patterns import require_layers
from edgekit.planner.own_chains import own_chains
from edgekit.planner.proposal import Proposal
from edgekit.planner.proposing import proposed
from edgekit.techniques import techniques
from edgekit.techniques.interface import Task, Technique
from edgekit.techniques.steps import TypedStep, published, training_of


def candidates(task: Task) -> tuple[list[Proposal], list[Declined]]:
    """The candidates to begin with, in the order to try them, and the techniques that decline.

    The baseline comes first, then the project's own chains, other conversions, and candidates that train one technique.
    Within a kind, the one predicted best by the goal comes first. Of the settings that a technique proposes, the
    heaviest come first: the lighter ones are for where those lose too much. A candidate with the same steps as an
    earlier one is declined. `chained` makes the chains of several training techniques.
    """
    networks = [one.facts for one in (task, task.replaced) if one is not None]
    require_layers(networks, task.exclude, "edgekit.toml: training.exclude")
    conversions, training, declined = _proposals(task)
    after, packing = ends_for_trained(conversions)
    plain = [
        proposed(task, (step,))
        for name, steps in conversions.items()
        for step in steps
        if name not in packing or may_pack(step, task.graph)
    ]
    plain.sort(key=lambda found: (found.role != "baseline", order(task, found)))
    alone = [
        (lightness, proposed(task, (step, end)))
        for found in training.values()
        for lightness, step in enumerate(reversed(found))
        for end in conversions_after(task, (step,), after, packing)
        if after is not None and may_convert(after.technique.name, (step,))
    ]
    alone.sort(key=lambda pair: (pair[0], order(task, pair[1])))
    ordered = [*plain[:1], *own_chains(task, conversions), *plain[1:], *(found for _, found in alone)]
    return _each_once(ordered, declined)


def _each_once(found: list[Proposal], declined: list[Declined]) -> tuple[list[Proposal], list[Declined]]:
    """The candidates without those that have the same steps and settings as an earlier one; these are declined."""
    first: dict[bytes, str] = {}
    kept = []
    for candidate in found:
        name = first.setdefault(msgspec.json.encode(published(candidate.steps)), candidate.name)
        if name == candidate.name:
            kept.append(candidate)
        else:
            reason = f"it has the same steps and settings as {name}: one trial"
            declined.append(Declined(technique=candidate.name, reason=reason))
    return kept, declined


def chained(task: Task, parts: Sequence[Proposal]) -> list[Proposal]:
    """Chains of two or more techniques, made of candidates with one technique each: the shorter first, then the stronger."""
    trains: Steps = {}
    ends: Steps = {}
    for part in parts:
        step, end = part.steps
        known = trains.setdefault(step.technique.name, [])
        known += [step] if step not in known else []
        last = ends.setdefault(end.technique.name, [])
        last += [end] if end not in last else []
    after, packing = ends_for_trained(ends)
    if after is None:  # only packed files pay: use the conversion that they pack
        after = next((packed_by(found[0]) for found in packing.values()), None)
    return [
        proposed(task, (*steps, end))
        for steps in _for_its_network(task, chains(trains))
        for end in conversions_after(task, steps, after, packing)
    ]


def _for_its_network(task: Task, found: Sequence[tuple[TypedStep, ...]]) -> list[tuple[TypedStep, ...]]:
    """The chains, those that begin with the replacement with the settings that it needs; without those that have a technique which declines it."""
    known: dict[str, dict[str, TypedStep]] = {}
    fitted = []
    for steps in found:
        if task.replaced is None or not training_of(steps[0]).from_replacement:
            fitted.append(steps)
            continue
        for step in steps[1:]:
            if step.technique.name not in known:
                known[step.technique.name] = _by_label(task.replaced, step.technique)
        later = [known[step.technique.name].get(step.label) for step in steps[1:]]
        kept = tuple(step for step in later if step is not None)
        fitted += [(steps[0], *kept)] if len(kept) == len(later) else []
    return fitted


def _by_label(task: Task, method: Technique) -> dict[str, TypedStep]:
    """The steps that a technique proposes for a task, and the stronger ones after them, by their labels."""
    answer = method.propose(task)
    found = {} if isinstance(answer, Declined) else {
        step.label: step for step in (TypedStep(technique=method, settings=settings) for settings in answer)
    }  # fmt: skip
    step = list(found.values())[-1] if found else None
    while step is not None and (step := heavier_step(step)) is not None and step.label not in found:
        found[step.label] = step
    return found


def stronger(task: Task, candidate: Proposal) -> list[Proposal]:
    """Copies of a trained candidate, each with one of its techniques a step stronger; the one predicted best by the goal comes first."""
    found = []
    for index, step in enumerate(candidate.training):
        heavier = heavier_step(step)
        steps = (*candidate.steps[:index], heavier, *candidate.steps[index + 1 :]) if heavier is not None else ()
        if heavier is not None and may_follow(steps[:-1]):
            found.append(proposed(task, steps))
    return sorted(found, key=lambda one: order(task, one))


def with_conversion(task: Task, candidate: Proposal, step: TypedStep) -> Proposal:
    """The same training followed by another conversion."""
    return proposed(task, (*candidate.training, step))


def _proposals(task: Task) -> tuple[Steps, Steps, list[Declined]]:
    """The steps that conversions and training techniques propose, and the techniques that decline."""
    found: dict[str, Steps] = {"conversion": {}, "training": {}}
    declined = []
    for name, method in techniques().items():
        answer = _proposed(task, method)
        if isinstance(answer, Declined):
            declined.append(answer)
        elif answer:
            found[method.kind][name] = [TypedStep(technique=method, settings=settings) for settings in answer]
    return found["conversion"], found["training"], declined


def _proposed(task: Task, method: Technique) -> Sequence[Any] | Declined:
    """What a technique proposes, unless the model is a file that it cannot be asked about, or nothing is trained."""
    answer = ruled_out_by_file(task, method) or method.propose(task)
    if method.kind == "training" and task.no_training is not None and answer and not isinstance(answer, Declined):
        return method.declined(task.no_training)
    return answer
