"""A step with its technique and its typed settings, and the effect of a sequence of steps on a lowered graph."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from edgekit.cost.graph import Graph
from edgekit.devices.profile import DeviceProfile
from edgekit.documents.candidate import Step
from edgekit.errors import InputError, ProjectError
from edgekit.techniques import technique
from edgekit.techniques.interface import Conversion, Task, Technique, TrainingTechnique
from edgekit.values import Value, read, to_builtins


class TypedStep(Value):
    """A technique and its settings, which are of its `settings_type`. In documents and jobs the same step is a `Step`."""

    technique: Technique
    settings: Value

    @property
    def label(self) -> str:
        """Its part of a candidate's name."""
        return self.technique.label(self.settings)

    @property
    def published(self) -> Step:
        """The step as documents and jobs hold it."""
        return Step(technique=self.technique.name, settings=to_builtins(self.settings))


def typed(step: Step, *, where: str | None = None, error: type[InputError] = ProjectError) -> TypedStep:
    """The typed form of a published step.

    Raises `ProjectError` for an unknown technique, and `error` for settings that the technique does not have. `where`
    says in the message where the step stands.
    """
    found = technique(step.technique, where=where or "steps")
    settings = read(step.settings, found.settings_type, where=where or step.technique, error=error)
    return TypedStep(technique=found, settings=settings)


def training_of(step: TypedStep) -> TrainingTechnique:
    """The technique of a step that trains; raises `ProjectError` where it is a conversion."""
    if isinstance(step.technique, TrainingTechnique):
        return step.technique
    raise ProjectError("a conversion is the last step of a chain", where="steps", received=step.technique.name)


def conversion_of(step: TypedStep) -> Conversion:
    """The technique of a step that makes the file; raises `ProjectError` where it trains."""
    if isinstance(step.technique, Conversion):
        return step.technique
    raise ProjectError("the last step is no conversion", where="steps", received=step.technique.name)


def published(steps: Iterable[TypedStep]) -> tuple[Step, ...]:
    """Steps as documents and jobs hold them."""
    return tuple(step.published for step in steps)


def effect(graph: Graph, steps: Iterable[TypedStep]) -> tuple[Graph, str | None]:
    """The lowered graph after all steps, and the first requirement that is not met; None where all are.

    A step whose requirement is not met leaves the graph as it is.
    """
    unmet: str | None = None
    for step in steps:
        reason = step.technique.requires(graph, step.settings)
        if reason is not None:
            unmet = unmet or f"{step.technique.name}: {reason}"
        else:
            graph = step.technique.effect(graph, step.settings)
    return graph, unmet


def ruled_out(task: Task, steps: Sequence[TypedStep]) -> str | None:
    """Why steps are certain to fail on a task's device, whatever the weights become; None where they may work."""
    return _never_applied(task.profile, task.graph, steps) or wrong_ends(task, steps[-1])


def wrong_ends(task: Task, end: TypedStep) -> str | None:
    """Why a conversion's file does not have the dtypes that the device takes as inputs and outputs; None where it may.

    Only where the model has a float there: what it takes or gives as an integer stays one.
    """
    taken, found = task.profile.numerics.input_output, conversion_of(end).port_dtype(end.settings)
    if found in taken or all(one.dtype != "float32" for one in (*task.facts.inputs, *task.facts.outputs)):
        return None
    return (
        f"{end.technique.name}: its file has {found} inputs and outputs, and {task.profile.name} takes "
        f"{' or '.join(taken)} there"
    )


def _never_applied(profile: DeviceProfile, graph: Graph, steps: Iterable[TypedStep]) -> str | None:
    """The first step that no file on a device shows, or that requires of a graph what it has not; None where all may be applied.

    Behind a step whose effect does not predict the shapes, a requirement counts as unmet only where it is so with that effect and without it.
    """
    graphs = [graph]
    for step in steps:
        method, settings = step.technique, step.settings
        reasons = [method.unsupported(profile) or method.requires(one, settings) for one in graphs]
        if None not in reasons:
            return f"{method.name}: {reasons[0]}"
        before = [one for one, reason in zip(graphs, reasons, strict=True) if reason is None]
        graphs = [method.effect(one, settings) for one in before]
        if isinstance(method, TrainingTechnique) and not method.predicts_shapes:
            graphs += before
    return None


def on_device(profile: DeviceProfile, steps: Iterable[TypedStep]) -> tuple[TypedStep, ...]:
    """The steps, each that trains with the settings that it takes from a device."""
    return tuple(
        replace(step, settings=step.technique.on_device(profile, step.settings))
        if isinstance(step.technique, TrainingTechnique)
        else step
        for step in steps
    )


def settled(graph: Graph, steps: Iterable[TypedStep]) -> tuple[TypedStep, ...]:
    """The steps, each that trains with the settings that it takes from the lowered graph before it."""
    found: list[TypedStep] = []
    for step in steps:
        if isinstance(step.technique, TrainingTechnique):
            step = replace(step, settings=step.technique.settled(graph, step.settings))
        graph, _ = effect(graph, (step,))
        found.append(step)
    return tuple(found)
