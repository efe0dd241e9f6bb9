"""What a build finds in model and data before anything is trained: from the Keras model's own answers, and from the arrays.

The answers on validation and test are needed by the build anyway. Findings are cached by model, data, task and metric;
those that depend on the data alone, by the data.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from edgekit.documents.report import Finding
from edgekit.findings.answered import Answers, about_answers
from edgekit.findings.arrays import about_data, data_seen
from edgekit.findings.examining import about_range
from edgekit.findings.settling import Settled
from edgekit.findings.telling import tell
from edgekit.ingest.dataset import Split, mapped
from edgekit.ingest.materials import Materials
from edgekit.jobs.cache import key, processor, versions
from edgekit.jobs.worker import TrialFailed
from edgekit.make.keras_outputs import KerasOutputs
from edgekit.progress import Progress
from edgekit.sanity.answers import target_range
from edgekit.values import to_builtins

if TYPE_CHECKING:
    import numpy as np

PERMUTED = ("labels_permuted", "columns_permuted")
JUDGED: tuple[Split, ...] = ("test", "validation")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Looked:
    """What was found, and notes on what could not be looked at."""

    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()


def look_before(materials: Materials, settled: Settled, progress: Progress) -> Looked:
    """All findings on a model and its data; `progress` gets each one at once.

    If the Keras model cannot be run, only the findings on the data, with a note.
    """
    keras, paths, problem = KerasOutputs(materials), {}, ""
    try:
        paths = {split: keras.on(split, progress=progress) for split in JUDGED}
    except TrialFailed as failed:
        problem = failed.reason
    name = key(
        model=materials.model.key, data=materials.dataset.sha256, tasks=settled.tasks, metric=settled.project.goal.judged_by,
        drop=settled.project.goal.max_drop_points, answered=sorted(paths), versions=versions(), processor=processor(),
    )  # fmt: skip

    def find() -> Any:
        return to_builtins(_find(materials, settled, keras, paths, progress))

    found = msgspec.convert(materials.cache.value("findings", name, find), tuple[Finding, ...])
    tell(found, progress)
    notes = (f"labels and inputs were not looked at by the model's answers: {problem}",) if problem else ()
    return Looked(findings=found, notes=notes)


def _find(
    materials: Materials, settled: Settled, keras: KerasOutputs, paths: dict[Split, list[Path]], progress: Progress
) -> list[Finding]:
    seen = data_seen(materials.dataset, materials.cache, progress)
    answers = [_answers(materials, split, found) for split, found in paths.items()]
    labels, facts = materials.dataset.labels, materials.model.facts
    names = [tensor.name for tensor in facts.outputs]
    goal = settled.project.goal
    found = about_answers(answers, settled.tasks, goal.judged_by, goal.max_drop_points, names, labels)
    if answers:
        explained = any(one.name == "at_chance" for one in found)
        is_permuted = any(one.name in PERMUTED for one in found)
        found += [] if is_permuted else about_range(materials, settled, keras, answers[-1], seen, progress, explained)
    inputs = [tensor.name for tensor in facts.inputs]
    found += about_data(seen, settled.targets, settled.tasks, inputs, facts.outputs, labels, materials.dataset.held)
    last = {layer.name: layer.activation for layer in facts.layers}
    for name, task, targets in zip(names, settled.tasks, settled.targets.get("train", ()), strict=False):
        if task.kind == "regression" and (beyond := target_range(name, last.get(name), targets)) is not None:
            found.append(beyond)
    return _once(found)


def _answers(materials: Materials, split: Split, paths: Sequence[Path]) -> Answers:
    dataset = materials.dataset
    rows = dataset.rows(split)
    targets: list[np.ndarray] = [array[rows] for array in dataset.targets(split)]
    return Answers(split=split, targets=targets, outputs=[mapped(path) for path in paths])


def _once(found: Sequence[Finding]) -> list[Finding]:
    return list(dict.fromkeys(found))
