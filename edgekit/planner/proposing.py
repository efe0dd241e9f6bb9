"""Makes candidates of their steps: what one is called, what it is for, the graph that its steps make, and what that costs. Pure."""

from __future__ import annotations

from edgekit.planner.estimates import estimates
from edgekit.planner.proposal import Proposal
from edgekit.techniques import in_role
from edgekit.techniques.interface import Role, Task
from edgekit.techniques.steps import TypedStep, conversion_of, effect, on_device, settled


def proposed(task: Task, steps: tuple[TypedStep, ...], name: str | None = None) -> Proposal:
    """The candidate of some steps, the last of them a conversion; one with a `name` of its own is a chain of the project's."""
    role = _role(steps) if name is None else "candidate"
    steps = settled(task.graph, on_device(task.profile, steps))
    graph, unmet = effect(task.graph, steps)
    trained = len(steps) > 1 and role == "candidate"
    return Proposal(
        name=name or name_of(steps),
        steps=steps,
        graph=graph,
        estimates=estimates(task, graph),
        role=role,
        control=name_of(_control_steps()) if trained else None,
        unmet=unmet,
    )


def control(task: Task) -> Proposal:
    """The float model, fine-tuned by the same rules as every trained candidate; one control serves them all."""
    return proposed(task, _control_steps())


def _control_steps() -> tuple[TypedStep, ...]:
    methods = in_role("control"), in_role("baseline")
    return tuple(TypedStep(technique=method, settings=method.settings_type()) for method in methods)


def _role(steps: tuple[TypedStep, ...]) -> Role:
    """What steps with default settings are for; a project's own chain is always a candidate. Of a quantized file, what leaves it alone is the baseline."""
    if len(steps) == 1 and conversion_of(steps[0]).takes_quantized:
        return "baseline"
    control_steps = _control_steps()
    return "baseline" if steps == control_steps[1:] else "control" if steps == control_steps else "candidate"


def name_of(steps: tuple[TypedStep, ...]) -> str:
    """The name of a candidate: the labels of its steps."""
    return "+".join(step.label for step in steps)
