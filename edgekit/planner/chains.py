"""Several training techniques in one candidate: which chains there are, and which of two candidates is the lighter.

A technique that can be part of a chain says where (`PLACE_IN_CHAIN`) and how much each of its settings takes away
(`strength`). What it would cost, and whether it is worth a trial, is decided elsewhere.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from edgekit.documents.candidate import Candidate, Step
from edgekit.documents.facts import ModelFacts
from edgekit.errors import ProjectError, did_you_mean
from edgekit.techniques import technique
from edgekit.techniques.interface import Task
from edgekit.techniques.sites import matching
from edgekit.values import read, to_builtins

QUANTIZATION_AWARE = "quantization_aware"
NAMED = 20
"""So many layers an error names."""


def chains(proposed: dict[str, list[Any]]) -> list[tuple[Step, ...]]:
    """All chains of two or more training techniques, each at each of its settings: short ones first, then the stronger.

    `proposed` has settings by technique. The stronger come first because the parts of a chain were tried alone: where the
    strongest that passed pass together, no weaker chain is needed.
    """
    placed = sorted((name for name in proposed if place(name) is not None), key=lambda name: place(name) or 0)
    found = []
    for length in range(2, len(placed) + 1):
        for names in itertools.combinations(placed, length):
            options = [_strongest_first(name, proposed[name]) for name in names]
            found += [
                steps
                for chosen in itertools.product(*options)
                for steps in (tuple(map(_step, names, chosen)),)
                if may_follow(steps)
            ]
    return found


def _step(name: str, settings: Any) -> Step:
    return Step(technique=name, settings=to_builtins(settings))


def heavier_step(step: Step) -> Step | None:
    """A step with the next stronger settings of its technique; None where there are none."""
    next_one = getattr(technique(step.technique), "stronger", None)
    settings = next_one(_settings(step)) if next_one is not None else None
    return None if settings is None else _step(step.technique, settings)


def may_follow(steps: Sequence[Step]) -> bool:
    """Whether each training technique can keep what those before it made, with these settings."""
    for count, step in enumerate(steps):
        keeps = getattr(technique(step.technique), "keeps", None)
        if keeps is not None and not keeps(_settings(step), tuple(one.technique for one in steps[:count])):
            return False
    return True


def _strongest_first(name: str, settings: list[Any]) -> list[Any]:
    return sorted(settings, key=lambda one: -_strength(name, one))


def place(name: str) -> int | None:
    """Where in a chain a technique stands; None where it is only used alone."""
    found: int | None = getattr(technique(name), "PLACE_IN_CHAIN", None)
    return found


def packs(name: str) -> str | None:
    """The conversion whose file another one packs."""
    found: str | None = getattr(technique(name), "PACKS", None)
    return found


def variant_of(name: str) -> str | None:
    """The conversion that another one is a variant of; None where it is none."""
    found: str | None = getattr(technique(name), "VARIANT_OF", None)
    return found


def lighter_or_equal(one: Candidate, other: Candidate) -> bool:
    """Whether a candidate takes no more away than another: the same conversion or a variant of it, no other technique, none stronger."""
    mine, theirs = strengths(one), strengths(other)
    first, second = (variant_of(found.steps[-1].technique) or found.steps[-1].technique for found in (one, other))
    return first == second and all(name in theirs and strength <= theirs[name] for name, strength in mine.items())


def strengths(candidate: Candidate) -> dict[str, float]:
    """The strength of each training technique of a candidate."""
    return {step.technique: _strength(step.technique, _settings(step)) for step in candidate.steps[:-1]}


def _strength(name: str, settings: Any) -> float:
    measure = getattr(technique(name), "strength", None)
    return float(measure(settings)) if measure is not None else 0.0


def _settings(step: Step) -> Any:
    return read(step.settings, technique(step.technique).Settings, where=step.technique)


def own_chain(
    task: Task, steps: Sequence[Step], number: int, conversion: Step | None, defaults: Mapping[str, Mapping[str, Any]]
) -> tuple[Step, ...]:
    """A project's own chain with all settings written out, and a conversion at the end where it names none.

    `defaults` are the settings of conversions as the device needs them: what a step does not say is taken from there.

    Raises `ProjectError` for a technique, a setting or a layer that there is not, and for an order that cannot be kept.
    """
    where = f"edgekit.toml: chain {number}"
    full = [_written_out(task, step, f"{where}: step {index}", defaults) for index, step in enumerate(steps, start=1)]
    if technique(full[-1].technique).KIND == "training":
        if conversion is None:
            raise ProjectError("a chain ends in a conversion", where=where, received=full[-1].technique)
        full.append(conversion)
    early = [step.technique for step in full[:-1] if technique(step.technique).KIND == "conversion"]
    if early:
        raise ProjectError("a conversion is the last step of a chain", where=where, received=" + ".join(early))
    names = [step.technique for step in full[:-1]]
    places = [place(name) for name in names]
    if len(names) > 1 and (None in places or any(a >= b for a, b in itertools.pairwise(p or 0 for p in places))):
        raise ProjectError(
            "these techniques do not follow one another",
            where=where,
            received=" + ".join(names),
            allowed="pruning, clustering, quantization_aware, each once and in this order",
        )
    return tuple(full)


def _written_out(task: Task, step: Step, where: str, defaults: Mapping[str, Mapping[str, Any]]) -> Step:
    method = technique(step.technique, where=where)
    given = {**defaults.get(step.technique, {}), **step.settings}
    settings = to_builtins(read(given, method.Settings, where=where, error=ProjectError))
    leave_out = getattr(method, "leave_out", None)
    if leave_out is not None:
        require_layers(task.facts, settings["exclude"], f"{where}: exclude")
        settings["exclude"] = list(leave_out(task.facts, [*settings["exclude"], *task.exclude]))
    return Step(technique=step.technique, settings=settings)


def require_layers(facts: ModelFacts, patterns: Sequence[str], where: str) -> None:
    """Raise `ProjectError` for a pattern that no layer's name matches: what it was to spare would not be spared."""
    for pattern in patterns:
        if not matching(facts, [pattern]):
            names = [layer.name for layer in facts.layers]
            near = did_you_mean(pattern, names)
            raise ProjectError(
                "no layer of the model has this name",
                where=where,
                received=pattern,
                allowed=", ".join(names[:NAMED]) + (", ..." if len(names) > NAMED else ""),
                next_step=f"did you mean {near!r}?" if near else "`edgekit inspect` lists the layers of the model",
            )
