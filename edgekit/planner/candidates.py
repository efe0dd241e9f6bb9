"""All candidates that a task admits, with what each is predicted to cost, and why the other techniques are declined.

Pure: it asks the techniques what they propose and the cost models what that costs, and runs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from edgekit.cost import download, flash, latency, npu, ram
from edgekit.cost.graph import Graph
from edgekit.documents.candidate import Declined, Estimate
from edgekit.errors import ProjectError
from edgekit.planner.chains import chains, heavier_step, may_convert, may_follow, own_chain, require_layers
from edgekit.planner.given_file import require_file_takes, ruled_out_by_file
from edgekit.planner.proposal import Proposal
from edgekit.planner.ranking import Standing, share
from edgekit.techniques import in_role, technique, techniques
from edgekit.techniques.interface import Role, Task, Technique
from edgekit.techniques.steps import (
    TypedStep,
    conversion_of,
    effect,
    on_device,
    published,
    ruled_out,
    settled,
    training_of,
)
from edgekit.values import read, to_builtins

OWN = "own_"
"""The prefix of the names of chains that the project defines itself."""
COSTS = {"flash": flash.predict, "download": download.predict, "ram": ram.predict, "latency": latency.predict}
Steps = dict[str, list[TypedStep]]
"""Steps by the name of their technique."""


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
    after, packing = _ends_for_trained(conversions)
    plain = [
        _proposal(task, (step,))
        for name, steps in conversions.items()
        for step in steps
        if name not in packing or _may_pack(step, task.graph)
    ]
    plain.sort(key=lambda found: (found.role != "baseline", order(task, found)))
    alone = [
        (lightness, _proposal(task, (step, end)))
        for found in training.values()
        for lightness, step in enumerate(reversed(found))
        for end in _conversions_after(task, (step,), after, packing)
        if after is not None and may_convert(after.technique.name, (step,))
    ]
    alone.sort(key=lambda pair: (pair[0], order(task, pair[1])))
    ordered = [*plain[:1], *_own(task, conversions, training), *plain[1:], *(found for _, found in alone)]
    return _each_once(ordered, declined)


def _ends_for_trained(conversions: Steps) -> tuple[TypedStep | None, Steps]:
    """The conversion of trained candidates, and the conversions that pack the file of another."""
    found = [(conversion_of(steps[0]), steps[0]) for steps in conversions.values() if steps]
    ranked = [(method.after_training, step) for method, step in found if method.after_training is not None]
    after = min(ranked, key=lambda pair: pair[0], default=(0, None))[1]
    packing = {method.name: conversions[method.name] for method, _ in found if method.packs is not None}
    return after, packing


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
    after, packing = _ends_for_trained(ends)
    if after is None:  # only packed files pay: use the conversion that they pack
        after = next((_packed_by(found[0]) for found in packing.values()), None)
    return [
        _proposal(task, (*steps, end))
        for steps in _for_its_network(task, chains(trains))
        for end in _conversions_after(task, steps, after, packing)
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


def _packed_by(step: TypedStep) -> TypedStep | None:
    """The conversion whose file a step packs, with those of its settings that it has too; None where it packs none."""
    name = conversion_of(step).packs
    if name is None:
        return None
    method = technique(name)
    known = {field.encode_name for field in msgspec.structs.fields(method.settings_type)}
    settings = {key: value for key, value in to_builtins(step.settings).items() if key in known}
    return TypedStep(technique=method, settings=read(settings, method.settings_type, where=name))


def unpacked(candidate: Proposal) -> TypedStep:
    """A candidate's conversion, or the one whose file it packs."""
    return _packed_by(candidate.steps[-1]) or candidate.steps[-1]


def stronger(task: Task, candidate: Proposal) -> list[Proposal]:
    """Copies of a trained candidate, each with one of its techniques a step stronger; the one predicted best by the goal comes first."""
    found = []
    for index, step in enumerate(candidate.training):
        heavier = heavier_step(step)
        steps = (*candidate.steps[:index], heavier, *candidate.steps[index + 1 :]) if heavier is not None else ()
        if heavier is not None and may_follow(steps[:-1]):
            found.append(_proposal(task, steps))
    return sorted(found, key=lambda one: order(task, one))


def replaces(candidate: Proposal) -> str | None:
    """The conversion that an untrained candidate replaces where that one fails; None where it replaces none."""
    return None if candidate.training else candidate.conversion.replaces_failed


def _conversions_after(
    task: Task, steps: tuple[TypedStep, ...], after: TypedStep | None, packing: Steps
) -> list[TypedStep]:
    """The conversions of a trained candidate: the one that the device takes, and those that pack its file.

    Where only a packed file makes the training pay, since it makes zeros or repeated weights, the conversion without packing
    is left out.
    """
    if after is None:
        return []
    graph, _ = effect(task.graph, steps)
    packed = [
        end
        for found in packing.values()
        for end in found
        if conversion_of(end).packs == after.technique.name and _may_pack(end, graph)
    ]
    needs_packing = bool(packed) and graph != graph.dense and not task.counts_weights
    return packed if needs_packing else [after, *packed]


def _may_pack(step: TypedStep, graph: Graph) -> bool:
    """Whether a conversion that packs is known to find in a graph what it packs."""
    method = conversion_of(step)
    return (method.requires(graph, step.settings) or method.awaits(graph, step.settings)) is None


def _own(task: Task, conversions: Steps, training: Steps) -> list[Proposal]:
    """The project's own chains.

    Settings that a chain does not give are for its conversion those that the device needs, and for the replacement those that tell it.
    """
    found = []
    others = {name: steps for name, steps in training.items() if training_of(steps[0]).from_replacement}
    defaults = {name: to_builtins(steps[0].settings) for name, steps in {**conversions, **others}.items() if steps}
    after = _ends_for_trained(conversions)[0]
    for number, steps in enumerate(task.chains, start=1):
        require_file_takes(task, steps, f"edgekit.toml: chain {number}")
        full = own_chain(task, steps, number, after, defaults)
        if len(full) > 1 and not task.trains:
            raise ProjectError(
                "the project allows no training",
                where=f"edgekit.toml: chain {number}",
                received="epochs = 0 in [training]",
                next_step="allow some epochs, or leave the chain to its conversion",
            )
        own = _proposal(task, full, name=f"{OWN}{number}:{_name(full)}")
        found.append(replace(own, ruled_out=ruled_out(task.profile, task.graph, own.steps)))
    return found


def control(task: Task) -> Proposal:
    """The float model, fine-tuned by the same rules as every trained candidate; one control serves them all."""
    return _proposal(task, _control_steps())


def _control_steps() -> tuple[TypedStep, ...]:
    methods = in_role("control"), in_role("baseline")
    return tuple(TypedStep(technique=method, settings=method.settings_type()) for method in methods)


def with_conversion(task: Task, candidate: Proposal, step: TypedStep) -> Proposal:
    """The same training followed by another conversion."""
    return _proposal(task, (*candidate.training, step))


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


def _proposal(task: Task, steps: tuple[TypedStep, ...], name: str | None = None) -> Proposal:
    role = _role(steps) if name is None else "candidate"
    steps = settled(task.graph, on_device(task.profile, steps))
    graph, unmet = effect(task.graph, steps)
    trained = len(steps) > 1 and role == "candidate"
    return Proposal(
        name=name or _name(steps),
        steps=steps,
        graph=graph,
        estimates=_estimates(task, graph),
        role=role,
        control=_name(_control_steps()) if trained else None,
        unmet=unmet,
    )


def _role(steps: tuple[TypedStep, ...]) -> Role:
    """What steps with default settings are for; a project's own chain is always a candidate. Of a quantized file, what leaves it alone is the baseline."""
    if len(steps) == 1 and conversion_of(steps[0]).takes_quantized:
        return "baseline"
    control_steps = _control_steps()
    return "baseline" if steps == control_steps[1:] else "control" if steps == control_steps else "candidate"


def _estimates(task: Task, graph: Graph) -> dict[str, Estimate]:
    found = {metric: predict(task.profile, graph) for metric, predict in COSTS.items()}
    return npu.compiled(found, graph) if task.profile.is_compiled_here else found


def _name(steps: tuple[TypedStep, ...]) -> str:
    return "+".join(step.label for step in steps)


def order(task: Task, candidate: Proposal) -> tuple[float, float, str]:
    """The sort key of candidates: the one predicted best by the goal first, then the faster.

    A variant of another conversion comes right after it.
    """
    first = None if candidate.training else candidate.conversion.variant_of
    estimates = candidate.estimates
    if first is not None:
        method = technique(first)
        estimates = _estimates(task, method.effect(task.graph, method.settings_type()))
    one = Standing(
        name=candidate.name, costs={name: estimate.value for name, estimate in estimates.items()},
        drop=0.0, steps=len(candidate.steps),
    )  # fmt: skip
    currency = task.goal.currency
    return (share(task, one) if currency is None else one.cost(currency), one.cost("latency"), candidate.name)
