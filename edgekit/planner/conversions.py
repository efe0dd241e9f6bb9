"""The conversion at a candidate's end: which one trained models get, and which one packs the file of another. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from edgekit.cost.graph import Graph
from edgekit.planner.proposal import Proposal
from edgekit.techniques import technique
from edgekit.techniques.interface import Task, TrainingTechnique
from edgekit.techniques.steps import TypedStep, conversion_of, effect, training_of
from edgekit.values import read, to_builtins

Steps = dict[str, list[TypedStep]]
"""Steps by the name of their technique."""


def ends_for_trained(conversions: Steps) -> tuple[TypedStep | None, Steps]:
    """The conversion of trained candidates, and the conversions that pack the file of another."""
    found = [(conversion_of(steps[0]), steps[0]) for steps in conversions.values() if steps]
    ranked = [(method.after_training, step) for method, step in found if method.after_training is not None]
    after = min(ranked, key=lambda pair: pair[0], default=(0, None))[1]
    packing = {method.name: conversions[method.name] for method, _ in found if method.packs is not None}
    return after, packing


def conversions_after(
    task: Task, steps: tuple[TypedStep, ...], after: TypedStep | None, packing: Steps
) -> list[TypedStep]:
    """The conversions of a trained candidate: the one that the device takes, and those that pack its file.

    Where only a packed file makes the training pay, since it makes zeros or repeated weights, the conversion without packing
    is left out.
    """
    own = own_end(task, steps)
    if own is not None or after is None:
        return [own] if own is not None else []
    graph, _ = effect(task.graph, steps)
    packed = [
        end
        for found in packing.values()
        for end in found
        if conversion_of(end).packs == after.technique.name and may_pack(end, graph)
    ]
    needs_packing = bool(packed) and graph != graph.dense and not task.counts_weights
    return packed if needs_packing else [after, *packed]


def own_end(task: Task, steps: Sequence[TypedStep]) -> TypedStep | None:
    """The conversion that one of some steps that train asks for, with its settings; None where none asks for any."""
    trained = (step for step in steps if isinstance(step.technique, TrainingTechnique))
    asked = next((one for step in trained if (one := training_of(step).ends_in(step.settings)) is not None), None)
    if asked is None:
        return None
    method = technique(asked.technique)
    given = {**to_builtins(method.defaults(task)), **asked.settings}
    return TypedStep(technique=method, settings=read(given, method.settings_type, where=method.name))


def may_pack(step: TypedStep, graph: Graph) -> bool:
    """Whether a conversion that packs is known to find in a graph what it packs."""
    method = conversion_of(step)
    return (method.requires(graph, step.settings) or method.awaits(graph, step.settings)) is None


def packed_by(step: TypedStep) -> TypedStep | None:
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
    return packed_by(candidate.steps[-1]) or candidate.steps[-1]


def replaces(candidate: Proposal) -> str | None:
    """The conversion that an untrained candidate replaces where that one fails; None where it replaces none."""
    return None if candidate.training else candidate.conversion.replaces_failed


def mends(candidate: Proposal) -> str | None:
    """The conversion that an untrained candidate is for where that one loses too much; None where it is for none."""
    return None if candidate.training else candidate.conversion.mends_loss
