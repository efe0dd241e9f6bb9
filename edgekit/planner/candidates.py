"""All candidates that a task admits, with what each is predicted to cost, and why the other techniques are not.

Pure: it asks the techniques what they propose and the cost models what that costs, and runs nothing.
"""

from __future__ import annotations

from typing import Any

from edgekit.candidate import Candidate, Declined, Estimate, Step
from edgekit.cost import download, flash, latency, ram
from edgekit.techniques import techniques
from edgekit.techniques.interface import Task
from edgekit.values import read, to_builtins

BASELINE, CONTROL, QUANTIZATION_AWARE = "float32", "fine_tuning", "quantization_aware"
# What a trained technique is converted with: the first of these that the device takes.
CONVERSIONS_AFTER_TRAINING = ("int8", "int8_float_fallback", "dynamic_range", "float16", BASELINE)
COSTS = {"flash": flash.predict, "download": download.predict, "ram": ram.predict, "latency": latency.predict}


def candidates(task: Task) -> tuple[list[Candidate], list[Declined]]:
    """Candidates cheapest first (the baseline, conversions, then those that train), and techniques declined at once.

    Within a kind the one predicted smallest in the goal's currency comes first; the lighter settings of a trained
    technique come before its heavier ones.
    """
    proposed, declined = _proposals(task)
    conversions = {
        name: [Step(technique=name, settings=to_builtins(s)) for s in found]
        for name, found in proposed["conversion"].items()
    }
    after = next((conversions[name][0] for name in CONVERSIONS_AFTER_TRAINING if conversions.get(name)), None)
    plain = [_candidate(task, (step,)) for steps in conversions.values() for step in steps]
    trained = [
        (strength, _candidate(task, (Step(technique=name, settings=to_builtins(settings)), after)))
        for name, found in proposed["training"].items()
        for strength, settings in enumerate(found)
        if after is not None and (name != QUANTIZATION_AWARE or after.technique == "int8")
    ]
    plain.sort(key=lambda found: (found.role != "baseline", _order(task, found)))
    trained.sort(key=lambda pair: (pair[0], _order(task, pair[1])))
    return [*plain, *(found for _, found in trained)], declined


def control(task: Task) -> Candidate:
    """The float model fine-tuned as long as every trained candidate: one control serves them all."""
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


def _candidate(task: Task, steps: tuple[Step, ...]) -> Candidate:
    name = "+".join(_label(step) for step in steps)
    role = "baseline" if name == BASELINE else "control" if steps[0].technique == CONTROL else "candidate"
    trained = len(steps) > 1 and role == "candidate"
    return Candidate(
        name=name,
        steps=steps,
        estimates={metric: predict(task.profile, task.facts, _costed(steps)) for metric, predict in COSTS.items()},
        role=role,  # type: ignore[arg-type]
        control=f"{CONTROL}+{BASELINE}" if trained else None,
    )


def _costed(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The steps as the cost models know them: a conversion of another package may cost as one of ours does."""
    return tuple(Step(technique=_cost_name(step), settings=step.settings) for step in steps)


def _cost_name(step: Step) -> str:
    return getattr(techniques()[step.technique], "COSTS_LIKE", step.technique)


def _label(step: Step) -> str:
    method = techniques()[step.technique]
    return method.label(read(step.settings, method.Settings, where=step.technique))


def _order(task: Task, candidate: Candidate) -> tuple[float, str]:
    estimate: Estimate | None = candidate.estimates.get(task.goal.currency)
    return (estimate.value if estimate is not None else float("inf"), candidate.name)
