"""The metric that judges a model: the one asked for, if it has a meaning for the output, else the one for its task."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from edgekit.errors import DataError
from edgekit.verdict.metric_spec import HIGHER_IS_BETTER, MetricSpec
from edgekit.verdict.targets import TargetFacts
from edgekit.verdict.task import OutputTask, takes_accuracy

OF_DECISIONS = ("accuracy", "balanced_accuracy", "auc")


def judged_by(
    asked: MetricSpec | None,
    output: int,
    tasks: Sequence[OutputTask],
    targets: Sequence[TargetFacts],
    *,
    where: str = "goal.metric",
) -> MetricSpec:
    """The metric of output number `output`, with the threshold of its task.

    Accuracy for classes and labels, the mean absolute error for a regression. Raises `DataError` if a metric of right and
    wrong decisions is asked for a regression, or if none was asked for and the task is not known.
    """
    task = tasks[output] if output < len(tasks) else OutputTask()
    found = targets[min(output, len(targets) - 1)] if targets else None
    if asked is not None:
        if asked.name in OF_DECISIONS and found is not None and not takes_accuracy(task, found):
            raise _means_nothing(asked.name, found, where)
        return msgspec.structs.replace(asked, threshold=task.threshold)
    if task.kind is None:
        raise DataError(
            "no metric follows from the model and the data",
            where=where,
            received=_described(found) if found is not None else "no targets",
            next_step='say what judges the model, as in metric = "accuracy" or metric = "mae"',
        )
    name = "mae" if task.kind == "regression" else "accuracy"
    return MetricSpec(
        name=name, higher_is_better=HIGHER_IS_BETTER[name], output=output, threshold=task.threshold
    )  # fmt: skip


def _means_nothing(name: str, targets: TargetFacts, where: str) -> DataError:
    return DataError(
        f"{name} means nothing for this model and these targets",
        where=where,
        received=f"a regression: {_described(targets)}",
        allowed="mae, mse, or module:function of your own",
        next_step="leave the metric out (a regression is judged by its mean absolute error), or save class numbers as integers",
    )


def _described(targets: TargetFacts) -> str:
    """The targets in a phrase."""
    numbers = "whole numbers" if targets.whole else "numbers"
    shape = f", {' x '.join(map(str, targets.sample))} a sample" if targets.sample not in ((), (1,)) else ""
    return f"{numbers} from {targets.low:g} to {targets.high:g} ({targets.dtype}{shape})"
