"""The chains that a project defines itself: written out, checked, and made candidates. Pure.

A chain that cannot be is an error, with its place in the project; one that is certain to fail is a candidate that says so.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from edgekit.documents.candidate import Declined, Step
from edgekit.errors import ProjectError
from edgekit.planner.chains import in_chain_order, place
from edgekit.planner.conversions import Steps, ends_for_trained, own_end
from edgekit.planner.given_file import require_file_takes, ruled_out_by_file
from edgekit.planner.layer_patterns import require_layers
from edgekit.planner.proposal import Proposal
from edgekit.planner.proposing import name_of, proposed
from edgekit.techniques import technique, techniques
from edgekit.techniques.interface import Task, Technique, TrainingTechnique
from edgekit.techniques.steps import TypedStep, effect, on_device, ruled_out, training_of, wrong_ends
from edgekit.values import read, to_builtins, unknown_key

OWN = "own_"
"""The prefix of the names of chains that the project defines itself."""


def own_chains(task: Task, conversions: Steps) -> list[Proposal]:
    """The project's own chains; `conversions` are those that propose themselves, for the end of a chain that names none."""
    found = []
    after = ends_for_trained(conversions)[0]
    for number, steps in enumerate(task.chains, start=1):
        require_file_takes(task, steps, f"edgekit.toml: chain {number}")
        full = _whole_chain(task, steps, number, after)
        if len(full) > 1 and not task.trains:
            raise ProjectError(
                "the project allows no training",
                where=f"edgekit.toml: chain {number}",
                received="epochs = 0 in [training]",
                allowed="chains of a conversion alone",
                next_step="allow some epochs, or leave the chain to its conversion",
            )
        own = proposed(task, full, name=f"{OWN}{number}:{name_of(full)}")
        found.append(replace(own, ruled_out=_certain_to_fail(task, own)))
    return found


def _certain_to_fail(task: Task, own: Proposal) -> str | None:
    """Why a chain cannot give a file that the device takes; None where it may."""
    declined = ruled_out_by_file(task, own.conversion)
    return ruled_out(task, own.steps) if declined is None else f"{declined.technique}: {declined.reason}"


def _whole_chain(task: Task, steps: Sequence[Step], number: int, conversion: TypedStep | None) -> tuple[TypedStep, ...]:
    """A chain of the project itself with all settings written out, and with `conversion` at its end where it names none.

    Raises `ProjectError` for an unknown technique, setting or layer, for techniques in an order that is not
    possible, and for those of which nothing would be left.
    """
    where = f"edgekit.toml: chain {number}"
    full: list[TypedStep] = []
    network = task
    for index, step in enumerate(steps, start=1):
        full.append(_written_out(network, step, f"{where}: step {index}"))
        network = _network_after(task, full[-1], f"{where}: step {index}") if network is task else network
    if full[-1].technique.kind == "training":
        if conversion is None:
            raise ProjectError(
                "a chain ends in a conversion", where=where, received=full[-1].technique.name, allowed=_some_of("conversion"),
                next_step="name one of them as the last step: none proposes itself for this model and device",
            )  # fmt: skip
        full.append(own_end(task, full) or conversion)
    _require_order(full, where)
    _require_kept(task, full, where)
    return tuple(full)


def _require_order(full: Sequence[TypedStep], where: str) -> None:
    """Raise `ProjectError` for a conversion that is not the last step, and for training steps in an order that is not possible."""
    early = [step.technique.name for step in full[:-1] if step.technique.kind == "conversion"]
    if early:
        raise ProjectError(
            "a conversion is the last step of a chain", where=where, received=" + ".join(step.technique.name for step in full),
            allowed="techniques that train, then one conversion", next_step=f"take out {early[0]}, or write a [[chain]] of its own for each conversion",
        )  # fmt: skip
    places = [place(step.technique) for step in full[:-1]]
    if len(places) > 1 and (None in places or any(a >= b for a, b in itertools.pairwise(p or 0 for p in places))):
        raise ProjectError(
            "these techniques do not follow one another",
            where=where,
            received=" + ".join(step.technique.name for step in full[:-1]),
            allowed=f"{', '.join(in_chain_order())}, each once and in this order",
            next_step="write them in that order, or leave some out",
        )


def _require_kept(task: Task, steps: Sequence[TypedStep], where: str) -> None:
    """Raise `ProjectError` where a step cannot keep what those before it made, or nothing of one is left after the conversion."""
    names = [step.technique.name for step in steps]
    for count, step in enumerate(steps[:-1]):
        if not training_of(step).keeps(step.settings, names[:count]):
            raise ProjectError(
                "a step with these settings does not keep what the steps before it made",
                where=f"{where}: step {count + 1}",
                received=f"{step.label} after {' + '.join(one.label for one in steps[:count])}",
                allowed="settings that keep it",
                next_step="give it weaker settings, or leave one of them out",
            )
    own = own_end(task, steps[:-1])
    for step in steps[:-1]:
        reason = _undone(task, step, steps)
        if reason is not None:
            asked = [one for one in techniques().values() if ruled_out_by_file(task, one) is None]
            ends = [
                own if own and one is own.technique else TypedStep(technique=one, settings=one.defaults(task))
                for one in asked
            ]
            kept = [
                end.technique.name for end in ends
                if end.technique.kind == "conversion" and end.technique.unsupported(task.profile) is None
                and wrong_ends(task, end) is None and _undone(task, step, (*steps[:-1], end)) is None
            ]  # fmt: skip
            raise ProjectError(
                f"nothing of {step.technique.name} would be left: {reason}",
                where=where,
                received=" + ".join(names),
                allowed=", ".join(kept) or "no conversion of this device",
                next_step=f"end the chain in {kept[0]}" if kept else f"leave {step.technique.name} out",
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
        raise ProjectError(
            reason, where=where, received=method.name, allowed=f"{method.name} where the project offers such a network",
            next_step=f"name one, or leave {method.name} out of the chain",
        )  # fmt: skip
    return task.replaced


def _given_by_projects(method: Technique) -> list[str]:
    """The names of a technique's settings that a project may give."""
    return [name for name in method.settings_type.__struct_fields__ if name not in method.written_by_planner]


def _some_of(kind: str) -> str:
    """The names of all techniques of a kind."""
    return ", ".join(name for name, method in techniques().items() if method.kind == kind)


def _written_out(task: Task, step: Step, where: str) -> TypedStep:
    method = technique(step.technique, where=where)
    given_by_projects = _given_by_projects(method)
    forged = [name for name in step.settings if name in method.written_by_planner]
    if forged:
        raise ProjectError(
            "a setting that the planner writes",
            where=f"{where}: {forged[0]}",
            received=str(step.settings[forged[0]]),
            allowed=", ".join(given_by_projects) or f"no settings for {method.name}",
            next_step="leave it out",
        )
    unknown = next((name for name in step.settings if name not in given_by_projects), None)
    if unknown is not None:
        raise unknown_key(unknown, given_by_projects, where=where, error=ProjectError)
    given = {**to_builtins(method.defaults(task)), **step.settings}
    otherwise = f"write a value that is allowed, or leave the setting out: {method.name} then has its own"
    settings = read(given, method.settings_type, where=where, error=ProjectError, otherwise=otherwise)
    patterns = to_builtins(settings).get("exclude")
    if patterns is not None:
        require_layers([task.facts], patterns, f"{where}: exclude")
        left_out = tuple(method.leave_out(task.facts, [*patterns, *task.exclude]))
        settings = msgspec.structs.replace(settings, exclude=left_out)
    return TypedStep(technique=method, settings=settings)
