"""With which settings a technique is tried alone, and what `edgekit.toml` says of it.

The settings of edgekit's older techniques are written here, so that they stay the same from run to run. Those of any other are what the installed edgekit would
propose by itself, one step stronger, or else its defaults: nothing here knows what they are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from edgekit.documents.candidate import Plan, Step
from edgekit.errors import ProjectError
from edgekit.techniques import techniques
from edgekit.techniques.steps import TypedStep, training_of
from edgekit.values import read, to_builtins
from smaller.tasks import LINUX, Prepared

Chain = tuple[Step, ...]
LADDERS: dict[str, tuple[dict[str, Any], ...]] = {
    "pruning": ({"sparsity": 0.5}, {"sparsity": 0.75}, {"sparsity": 0.9, "threshold": "global"}),
    "clustering": ({"clusters": 32}, {"clusters": 16}, {"clusters": 8}),
    "quantization_aware": ({},),
}
TRAINED = ("student", "structured_pruning", "low_rank", "l1", "pruning", "clustering", "quantization_aware")
"""The techniques that are tried alone, in the order of a chain; an edgekit that lacks one leaves its row out, and says so."""
CONVERTED = ("int8", "int8_per_tensor", "int8_coded")
"""The conversions that are tried alone."""
ENDS = {LINUX: ("int8",)}
MICRO_ENDS = ("int8", "int8_coded")
"""What follows a training: on tflite-micro also the coded file, since only there zeros and repeated weights are fewer bytes."""
BY_DOWNLOAD = ("pruning", "clustering", "l1")
"""On other runtimes these leave the raw bytes as they are, so that of their settings the smallest deflated file is taken."""
STUDENT, NARROWED = "student", "student, narrowed"
"""A student alone, and one of half the channels that is made smaller still."""
NARROWING: tuple[tuple[str, dict[str, Any]], ...] = (("structured_pruning", {"left": 0.7}), ("low_rank", {"left": 0.5}))
"""What is tried behind a student."""
STUDENT_WIDTHS, STUDENT_LONGER = (0.5, 0.35), 3
"""The shares of the model's channels that students have, and how many times as long as another fine-tune they are trained."""
MOST = 3
"""The settings of a technique that are tried at most."""
DROP = 0.5
"""Points that may be lost."""


def aim(name: str, device: str) -> str:
    """The goal by which the setting of a technique is chosen."""
    return "download" if name in BY_DOWNLOAD and device == LINUX else "smallest"


def chains(name: str, device: str, plans: Sequence[Plan], *, quick: bool) -> tuple[Chain, ...]:
    """The chains of a technique alone: each of its settings with each conversion that may follow."""
    if name in CONVERTED:
        return ((Step(technique=name),),)
    if name == NARROWED:
        steps = [Step(technique=one, settings=given) for one, given in NARROWING[: 1 if quick else None]]
        return tuple((Step(technique=STUDENT), step, Step(technique="int8_per_tensor")) for step in steps)
    found = [without_facts(name, one) for one in settings(name, plans)][: 1 if quick else MOST]
    ends = [end for end in ENDS.get(device, MICRO_ENDS) if end in techniques()]
    return tuple((Step(technique=name, settings=one), Step(technique=end)) for one in found for end in ends)


def without_facts(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a technique that a project may ask for: without those that the planner writes itself."""
    facts = techniques()[name].written_by_planner
    return {key: value for key, value in given.items() if key not in facts}


def settings(name: str, plans: Sequence[Plan]) -> list[dict[str, Any]]:
    """The settings of a technique, the lighter first."""
    if name in LADDERS:
        return list(LADDERS[name])
    alone = [one.steps[0] for plan in plans for one in plan.candidates if len(one.steps) == 2]
    found: list[dict[str, Any]] = []
    for step in alone:
        if step.technique == name and step.settings not in found:
            found.append(step.settings)
    return [*found, *_stronger(name, found[-1] if found else {})] if found else [{}, *_stronger(name, {})]


def _stronger(name: str, given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The next stronger settings, of which there may be none."""
    method = techniques()[name]
    try:
        step = TypedStep(
            technique=method, settings=read(dict(given), method.settings_type, where=name, error=ProjectError)
        )
    except ProjectError:  # it has no defaults: the build says which key is missing
        return []
    heavier = training_of(step).stronger(step.settings)
    return [] if heavier is None else [to_builtins(heavier)]


def declined(name: str, plans: Sequence[Plan]) -> str:
    """Why the planner would not try a technique by itself; empty where it would."""
    return next((one.reason for plan in plans for one in plan.declined if one.technique == name), "")


def project_text(made: Prepared, chained: Sequence[Chain], student: float | None = None) -> str:
    """The `edgekit.toml` of a task with chains of its own; `student` is the width of a student that is derived from the model."""
    task = made.task
    lines = [f"model = {_toml(made.model)}", "[data]", f"source = {_toml(made.data.name)}"]
    lines += [f"validation = {task.validation}"] if task.validation else []
    lines += ["[goal]", f"max_drop = {DROP}"]
    lines += [f"metric = {_toml(task.metric)}", 'direction = "higher"'] if task.metric else []
    lines += ["[training]", f"epochs = {made.epochs}", f"batch_size = {task.batch_size}"]
    lines += ["[student]", f"width = {student}", f"epochs = {STUDENT_LONGER * made.epochs}"] if student else []
    for chain in chained:
        lines += ["[[chain]]", f"steps = {_toml([to_builtins(step) for step in chain])}"]
    return "\n".join([*lines, ""])


def _toml(value: Any) -> str:
    """A value of JSON in TOML, where a key without a value is left out."""
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{_toml(key)} = {_toml(one)}' for key, one in value.items() if one is not None)} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value)
