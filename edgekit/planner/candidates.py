"""All candidates that a task admits, with what each is predicted to cost, and why the other techniques are not.

Pure: it asks the techniques what they propose and the cost models what that costs, and runs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from edgekit.cost import download, flash, latency, npu, ram
from edgekit.documents.candidate import Candidate, Declined, Estimate, Step
from edgekit.errors import ProjectError
from edgekit.planner.chains import (
    QUANTIZATION_AWARE,
    chains,
    heavier_step,
    may_follow,
    own_chain,
    packs,
    require_layers,
)
from edgekit.planner.ranking import Standing, share
from edgekit.techniques import techniques
from edgekit.techniques.interface import Task
from edgekit.values import read, to_builtins

BASELINE, CONTROL = "float32", "fine_tuning"
OWN = "own_"
"""How the names of a project's own chains begin."""
# What a trained technique is converted with: the first of these that the device takes.
CONVERSIONS_AFTER_TRAINING = ("int8", "int8_float_fallback", "dynamic_range", "float16", BASELINE)
COSTS = {"flash": flash.predict, "download": download.predict, "ram": ram.predict, "latency": latency.predict}


def candidates(task: Task) -> tuple[list[Candidate], list[Declined]]:
    """Candidates cheapest first (the baseline, conversions, then those that train one technique), and techniques declined at once.

    Within a kind the one predicted best by the goal comes first; the heaviest of the settings that a technique proposes comes before the lighter
    ones, which are for where it loses too much. The project's own chains come right after the baseline. What has the same steps as another is
    declined. Chains are `chained`.
    """
    require_layers(task.facts, task.exclude, "edgekit.toml: training.exclude")
    proposed, declined = _proposals(task)
    conversions = {
        name: [Step(technique=name, settings=to_builtins(s)) for s in found]
        for name, found in proposed["conversion"].items()
    }
    after, packing = _after(conversions)
    plain = [_candidate(task, (step,)) for name, steps in conversions.items() if name not in packing for step in steps]
    plain.sort(key=lambda found: (found.role != "baseline", _order(task, found)))
    trains = {
        name: found
        for name, found in proposed["training"].items()
        if after is not None and (name != QUANTIZATION_AWARE or after.technique == "int8")
    }
    alone = [
        (lightness, _candidate(task, (*steps, end)))
        for name, found in trains.items()
        for lightness, settings in enumerate(reversed(found))
        for steps in ((Step(technique=name, settings=to_builtins(settings)),),)
        for end in _ends(task, steps, after, packing)
    ]
    alone.sort(key=lambda pair: (pair[0], _order(task, pair[1])))
    ordered = [*plain[:1], *_own(task, conversions), *plain[1:], *(found for _, found in alone)]
    return _each_once(ordered, declined)


def _after(conversions: dict[str, list[Step]]) -> tuple[Step | None, dict[str, list[Step]]]:
    """What a trained candidate is converted with, and the conversions that pack what one made."""
    after = next((conversions[name][0] for name in CONVERSIONS_AFTER_TRAINING if conversions.get(name)), None)
    return after, {name: found for name, found in conversions.items() if needs(name) is not None}


def _each_once(found: list[Candidate], declined: list[Declined]) -> tuple[list[Candidate], list[Declined]]:
    """The candidates without those whose steps, with all their settings, another has already."""
    first: dict[bytes, str] = {}
    kept = []
    for candidate in found:
        name = first.setdefault(msgspec.json.encode(candidate.steps), candidate.name)
        if name == candidate.name:
            kept.append(candidate)
        else:
            reason = f"it has the same steps and settings as {name}: one trial"
            declined.append(Declined(technique=candidate.name, reason=reason))
    return kept, declined


def chained(task: Task, parts: Sequence[Candidate]) -> list[Candidate]:
    """The chains of two or more techniques out of candidates with one: short ones first, then the stronger."""
    trains: dict[str, list[Any]] = {}
    ends: dict[str, Step] = {}
    for part in parts:
        step, end = part.steps
        settings = read(step.settings, techniques()[step.technique].Settings, where=step.technique)
        trains.setdefault(step.technique, [])
        trains[step.technique] += [settings] if settings not in trains[step.technique] else []
        ends.setdefault(end.technique, end)
    packing = {name: [end] for name, end in ends.items() if needs(name) is not None}
    after = next((ends[name] for name in CONVERSIONS_AFTER_TRAINING if name in ends), None)
    if after is None:  # nothing but packed files pays: they are of what this one converts
        after = next(
            (Step(technique=packs(name) or "", settings=end.settings) for name, (end,) in packing.items()), None
        )
    return [_candidate(task, (*steps, end)) for steps in chains(trains) for end in _ends(task, steps, after, packing)]


def stronger(task: Task, candidate: Candidate) -> list[Candidate]:
    """A trained candidate with one of its techniques a step stronger, the one first that is predicted best by the goal."""
    found = []
    for index, step in enumerate(candidate.steps[:-1]):
        heavier = heavier_step(step)
        steps = (*candidate.steps[:index], heavier, *candidate.steps[index + 1 :]) if heavier is not None else ()
        if heavier is not None and may_follow(steps[:-1]):
            found.append(_candidate(task, steps))
    return sorted(found, key=lambda one: _order(task, one))


def replaced_by(candidate: Candidate) -> str | None:
    """The conversion that an untrained candidate stands in for where that one fails; None where it is none of that kind."""
    found: str | None = getattr(techniques()[candidate.steps[-1].technique], "REPLACES_FAILED", None)
    return found if len(candidate.steps) == 1 else None


def needs(name: str) -> str | None:
    """The technique that a conversion is tried after; None where it is tried alone too."""
    return getattr(techniques()[name], "AFTER", None)


def _ends(task: Task, steps: tuple[Step, ...], after: Step | None, packing: dict[str, list[Step]]) -> list[Step]:
    """The conversions of a trained candidate: the one that the device takes, and those that pack what it made.

    Where nothing but a packed file pays for what was trained, the plain one is not made.
    """
    if after is None:
        return []
    names = {step.technique for step in steps}
    packed = [
        step
        for name, found in packing.items()
        if needs(name) in names and packs(name) == after.technique
        for step in found
    ]
    pays = not any(step.technique in (needs(name) for name in packing) for step in steps) or task.counts_weights
    return [after, *packed] if pays or not packed else packed


def _own(task: Task, conversions: dict[str, list[Step]]) -> list[Candidate]:
    """The project's own chains; what a conversion's settings do not say is as the device needs it."""
    found = []
    defaults = {name: steps[0].settings for name, steps in conversions.items() if steps}
    after = _after(conversions)[0]
    for number, steps in enumerate(task.chains, start=1):
        full = own_chain(task, steps, number, after, defaults)
        if len(full) > 1 and not task.trains:
            raise ProjectError(
                "the project allows no training",
                where=f"edgekit.toml: chain {number}",
                received="epochs = 0 in [training]",
                next_step="allow some epochs, or leave the chain to its conversion",
            )
        found.append(_candidate(task, full, name=f"{OWN}{number}:{_name(full)}"))
    return found


def control(task: Task) -> Candidate:
    """The float model fine-tuned by the same rules as every trained candidate: one control serves them all."""
    return _candidate(task, (Step(technique=CONTROL), Step(technique=BASELINE)))


def with_conversion(task: Task, candidate: Candidate, step: Step) -> Candidate:
    """The same training with another conversion after it."""
    return _candidate(task, (*candidate.steps[:-1], step))


def _proposals(task: Task) -> tuple[dict[str, dict[str, list[Any]]], list[Declined]]:
    proposed: dict[str, dict[str, list[Any]]] = {"conversion": {}, "training": {}}
    declined = []
    for name, method in techniques().items():
        answer = method.propose(task)
        if method.KIND == "training" and not task.trains and answer and not isinstance(answer, Declined):
            answer = Declined(technique=name, reason="the project allows no training (epochs = 0 in [training])")
        if isinstance(answer, Declined):
            declined.append(answer)
        elif answer:
            proposed[method.KIND][name] = list(answer)
    return proposed, declined


def _candidate(task: Task, steps: tuple[Step, ...], name: str | None = None) -> Candidate:
    name = name or _name(steps)
    role = "baseline" if name == BASELINE else "control" if name == f"{CONTROL}+{BASELINE}" else "candidate"
    trained = len(steps) > 1 and role == "candidate"
    return Candidate(
        name=name,
        steps=steps,
        estimates=_estimates(task, _costed(steps)),
        role=role,  # type: ignore[arg-type]
        control=f"{CONTROL}+{BASELINE}" if trained else None,
    )


def _estimates(task: Task, steps: tuple[Step, ...]) -> dict[str, Estimate]:
    found = {metric: predict(task.profile, task.facts, steps) for metric, predict in COSTS.items()}
    return npu.compiled(found, task.facts, steps) if task.profile.is_compiled_here else found


def _name(steps: tuple[Step, ...]) -> str:
    return "+".join(_label(step) for step in steps)


def _costed(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The steps as the cost models know them: a conversion of another package may cost as one of ours does."""
    return tuple(Step(technique=_cost_name(step), settings=step.settings) for step in steps)


def _cost_name(step: Step) -> str:
    return getattr(techniques()[step.technique], "COSTS_LIKE", step.technique)


def _label(step: Step) -> str:
    method = techniques()[step.technique]
    return method.label(read(step.settings, method.Settings, where=step.technique))


def _order(task: Task, candidate: Candidate) -> tuple[float, float, str]:
    """What is predicted best by the goal first; for one that weighs several, or looks at the accuracy, the faster of equals.

    A variant of another conversion comes right after it.
    """
    first = (
        getattr(techniques()[candidate.steps[-1].technique], "VARIANT_OF", None) if len(candidate.steps) == 1 else None
    )
    estimates = _estimates(task, (Step(technique=first),)) if first is not None else candidate.estimates
    one = Standing(
        name=candidate.name, costs={name: estimate.value for name, estimate in estimates.items()},
        drop=0.0, steps=len(candidate.steps),
    )  # fmt: skip
    currency = task.goal.currency
    return (share(task, one) if currency is None else one.cost(currency), one.cost("latency"), candidate.name)
