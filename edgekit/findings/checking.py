"""What a check finds in a file's answers and in the data it was given, as far as there are data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.documents.report import Finding, InputFacts, Metrics
from edgekit.findings.answered import Answers, about_answers
from edgekit.findings.arrays import about_data, data_seen
from edgekit.findings.settling import SettledFile
from edgekit.findings.telling import tell
from edgekit.ingest.dataset import Dataset, mapped
from edgekit.jobs.cache import Cache
from edgekit.progress import Progress
from edgekit.sanity.columns import swallowed
from edgekit.sanity.ranges import beyond_the_input
from edgekit.sanity.size import NAME as SIZE
from edgekit.sanity.size import too_few, too_few_for_the_score

if TYPE_CHECKING:
    import numpy as np


def look_at_file(
    settled: SettledFile,
    dataset: Dataset,
    cache: Cache,
    *,
    inputs: Sequence[InputFacts],
    outputs: Sequence[InputFacts],
    scores: Sequence[str],
    reference: Sequence[str],
    metrics: Metrics,
    max_drop_points: float | None,
    progress: Progress,
) -> tuple[Finding, ...]:
    """All findings, each sent to `progress` at once; `scores` are the file's outputs on the test split, `reference` those of the reference."""
    seen = data_seen(dataset, cache, progress)
    names = [tensor.name for tensor in settled.outputs]
    found: list[Finding] = []
    if scores:
        answers = Answers(split="test", targets=_targets(dataset), outputs=_arrays(scores))
        found += about_answers([answers], settled.tasks, settled.metric, max_drop_points, names, dataset.labels)
        each = zip(_arrays(reference), answers.outputs, settled.tasks, names, outputs, strict=False)
        lost = [swallowed(a, b, name, scale=port.scale) for a, b, task, name, port in each if task.kind == "regression"]
        found += [one for one in lost if one is not None]
    found += [
        one
        for one in (beyond_the_input(port, of) for port, of in zip(inputs, seen.splits["test"].inputs, strict=False))
        if one
    ]
    found += about_data(
        seen,
        settled.targets,
        settled.tasks,
        [port.name for port in inputs],
        settled.outputs,
        dataset.labels,
        dataset.held,
    )
    drop = metrics.get("accuracy_drop")
    if max_drop_points is not None and drop is not None and drop.low is not None:
        told = too_few(drop, dataset.splits["test"].samples, max_drop_points)
        found = [one for one in found if one.name != SIZE] + ([told] if told is not None else [])
    score = metrics.get(settled.metric.name)
    if score is not None and drop is None and not any(one.name == SIZE for one in found):
        told = too_few_for_the_score(settled.metric.name, score, dataset.splits["test"].samples)
        found += [told] if told is not None else []
    once = tuple(dict.fromkeys(found))
    tell(once, progress)
    return once


def _targets(dataset: Dataset) -> list[np.ndarray]:
    rows = dataset.rows("test")
    return [array[rows] for array in dataset.targets("test")]


def _arrays(paths: Sequence[str]) -> list[np.ndarray]:
    return [mapped(Path(path)) for path in paths]
