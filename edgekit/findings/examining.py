"""Whether the inputs have the range that the model was trained on: examined only if the model answers its training data badly."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from edgekit.documents.report import Finding
from edgekit.findings.answered import Answers
from edgekit.findings.settling import Settled
from edgekit.ingest.dataset import mapped
from edgekit.ingest.materials import Materials
from edgekit.ingest.seen import DataSeen
from edgekit.jobs.worker import TrialFailed
from edgekit.make.keras_outputs import KerasOutputs
from edgekit.progress import Progress
from edgekit.sanity.decision_counts import decided
from edgekit.sanity.ranges import Fit, Front, Tried, input_range, is_suspicious
from edgekit.sanity.transforms import Transform, transforms
from edgekit.verdict.task import OutputTask

if TYPE_CHECKING:
    from edgekit.documents.facts import ModelFacts

MOST, LEAST = 256, 48
"""How many training samples the transforms are tried on."""
MOST_MACS = 100e9
"""The most multiply-accumulates that all tries together may take: some seconds on one core of a desktop."""


def about_range(
    materials: Materials,
    settled: Settled,
    keras: KerasOutputs,
    answers: Answers,
    seen: DataSeen,
    progress: Progress,
    explained: bool,
) -> list[Finding]:
    """The finding on the inputs' range, if there is one; `answers` are those on the validation split.

    A validation split that was taken from the training split counts as training data. With any other validation split, the
    answers on it decide whether running the model on the training split is worth the time.
    """
    index = settled.project.goal.judged_by.output
    task = settled.tasks[index]
    fit = fit_of(answers.targets[index], answers.outputs[index], task)
    if fit is None or not is_suspicious(fit) or "train" not in seen.splits or not seen.splits["train"].inputs:
        return []
    facts, first = materials.model.facts, seen.splits["train"].inputs[0]
    ways = transforms(first) if _can_be_transformed(facts) else []
    count, ways = _afforded(facts, ways, materials.dataset.splits["train"].samples)
    positions = np.unique(np.linspace(0, materials.dataset.splits["train"].samples - 1, count).astype(int))
    try:
        folder, answer = keras.examined([int(place) for place in positions], ways, progress=progress)
    except TrialFailed:
        return []
    fronts = [msgspec.convert(front, Front) for front in answer["fronts"]]
    rows = materials.dataset.rows("train")[positions]
    targets = np.asarray(materials.dataset.targets("train")[index][rows])
    given = mapped(folder / f"as_given_{index}.npy")
    on_training = fit_of(targets, given, task)
    if on_training is None:
        return []
    tried = [_tried(folder, number, way, index, targets, given, task) for number, way in enumerate(ways)]
    found = input_range(on_training, fronts, [one for one in tried if one is not None], first, elsewhere=explained)
    return [] if found is None else [found]


def _can_be_transformed(facts: ModelFacts) -> bool:
    return len(facts.inputs) == 1 and facts.inputs[0].dtype.startswith("float") and len(facts.inputs[0].shape) >= 1


def _afforded(facts: ModelFacts, ways: list[Transform], samples: int) -> tuple[int, list[Transform]]:
    """How many samples and which transforms are affordable: first the samples are cut, then all but the usual transforms."""
    runs = MOST_MACS / max(1, facts.macs)
    count = int(min(MOST, max(LEAST, runs // (len(ways) + 1)), samples))
    return count, ways[: max(0, int(runs // max(1, count)) - 1)]


def fit_of(targets: np.ndarray, outputs: np.ndarray, task: OutputTask) -> Fit | None:
    """How well the outputs match the targets; None where that cannot be told."""
    if not len(outputs):
        return None
    if task.kind == "regression":
        explained = _variance_explained(targets, outputs)
        return None if explained is None else Fit(count=len(outputs), worth=explained)
    found = decided("train", task.kind, targets, outputs, task.threshold)
    if found is None:
        return None
    return Fit(count=found.samples, worth=found.kappa, right=found.score, chance=found.chance)


def _variance_explained(targets: np.ndarray, outputs: np.ndarray) -> float | None:
    """The share of variance explained, averaged over the columns that vary; a column counts as -1 at worst."""
    if targets.size != outputs.size:
        return None
    wanted, got = (np.asarray(each, np.float64).reshape(len(outputs), -1) for each in (targets, outputs))
    spread = ((wanted - wanted.mean(axis=0)) ** 2).sum(axis=0)
    if not (spread > 0).any():
        return None
    each = 1 - ((wanted - got) ** 2).sum(axis=0)[spread > 0] / spread[spread > 0]
    return float(np.clip(np.nan_to_num(each, nan=-1.0), -1.0, 1.0).mean())


def _tried(
    folder: Path, number: int, way: Transform, index: int, targets: np.ndarray, given: np.ndarray, task: OutputTask
) -> Tried | None:
    outputs = mapped(folder / f"tried_{number}_{index}.npy")
    fit = fit_of(targets, outputs, task)
    if fit is None:
        return None
    mended = broken = 0
    before, after = (decided("train", task.kind, targets, each, task.threshold) for each in (given, outputs))
    if before is not None and after is not None:
        was, now = (_share_right(each) for each in (before, after))
        mended, broken = int((now > was).sum()), int((was > now).sum())
    return Tried(transform=way, fit=fit, mended=mended, broken=broken)


def _share_right(found: Any) -> np.ndarray:
    """The share of each sample's places that is right."""
    right: np.ndarray = (found.decisions == found.labels).mean(axis=1)
    return right
