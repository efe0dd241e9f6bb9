"""Findings from a model's outputs compared with the targets: of a Keras model in a build, of a file in a check."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

from edgekit.documents.report import Finding
from edgekit.sanity.answers import not_finite
from edgekit.sanity.balance import imbalance, never_answered
from edgekit.sanity.chance import at_chance, no_better_than_the_mean
from edgekit.sanity.decision_counts import Decided, decided
from edgekit.sanity.permutation import columns_permuted, labels_permuted
from edgekit.sanity.size import too_few_beforehand
from edgekit.verdict.metric_spec import MetricSpec
from edgekit.verdict.task import OutputTask

if TYPE_CHECKING:
    import numpy as np


@dataclasses.dataclass(frozen=True, kw_only=True)
class Answers:
    """A model's outputs on a split and the split's targets: one array for each output."""

    split: str
    targets: Sequence[np.ndarray]
    outputs: Sequence[np.ndarray]


def about_answers(
    splits: Sequence[Answers],
    tasks: Sequence[OutputTask],
    metric: MetricSpec,
    max_drop_points: float | None,
    outputs: Sequence[str],
    labels: Sequence[str],
) -> list[Finding]:
    """Findings from the answers on some splits, the verdict's split first; `labels` name the classes of a single output."""
    found: list[Finding | None] = [not_finite(one.split, one.outputs) for one in splits]
    if any(found):
        return [one for one in found if one is not None]
    for index, task in enumerate(tasks):
        of_output = (
            _of_numbers(splits, index) if task.kind == "regression" else _of_decisions(splits, index, task, labels)
        )
        found += of_output if len(tasks) == 1 else [_with_output_name(outputs[index], one) for one in of_output]
    if splits and metric.output < len(tasks):
        first, task = splits[0], tasks[metric.output]
        judged = _decided(first, metric.output, task)
        if judged is not None:
            found.append(imbalance(judged, metric.name))
            if max_drop_points is not None and judged.labels.shape[1] == 1:
                found.append(too_few_beforehand(judged.samples, metric, task.kind, max_drop_points))
    return [one for one in found if one is not None]


def _of_decisions(
    splits: Sequence[Answers], index: int, task: OutputTask, labels: Sequence[str]
) -> list[Finding | None]:
    told = [each for split in splits if (each := _decided(split, index, task)) is not None]
    if not told:
        return []
    permuted = [found for each in told if (found := labels_permuted(each, labels)) is not None]
    return [at_chance(told), *permuted[:1], never_answered(told[0], labels)]


def _of_numbers(splits: Sequence[Answers], index: int) -> list[Finding | None]:
    told = [
        (one.split, one.targets[index], one.outputs[index])
        for one in splits
        if one.targets[index].size == one.outputs[index].size
    ]
    return [no_better_than_the_mean(told), *[columns_permuted(*one) for one in told[:1]]]


def _decided(answers: Answers, index: int, task: OutputTask) -> Decided | None:
    return decided(answers.split, task.kind, answers.targets[index], answers.outputs[index], task.threshold)


def _with_output_name(output: str, finding: Finding | None) -> Finding | None:
    """The finding, with the name of its output put before it."""
    return (
        None
        if finding is None
        else Finding(name=finding.name, what=f"output {output!r}: {finding.what}", advice=finding.advice)
    )
