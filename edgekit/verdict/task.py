"""What each output of a model is for: classes, yes or no, several labels at once, or numbers. Decided here and nowhere else.

It follows from what an output ends in, its loss, and the facts of its targets. The metric, the loss of a fine-tune, the
agreement of two models and `edgekit init` all depend on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from edgekit.documents.facts import ModelFacts, TensorFacts
from edgekit.values import Ends, Value
from edgekit.verdict.losses import is_distance, takes_shares
from edgekit.verdict.targets import TargetFacts

Kind = Literal["classification", "binary", "multilabel", "regression"]


class OutputTask(Value):
    """What an output is for; `kind` is None if that is not known.

    `threshold` is the value above which a single output, or each of several labels, means yes.
    """

    kind: Kind | None = None
    threshold: float = 0.5


def tasks_of(
    facts: ModelFacts, targets: Sequence[TargetFacts], declared: str | tuple[str, ...] | None = None
) -> tuple[OutputTask, ...]:
    """The task of each output; `declared` are the project's losses, which come before those the model was compiled with."""
    count = len(facts.outputs)
    named = (declared,) * count if isinstance(declared, str) else declared or ()
    losses = [named[index] if index < len(named) else None for index in range(count)]
    compiled = [facts.losses[index] if index < len(facts.losses) else None for index in range(count)]
    each = zip(facts.outputs, facts.output_kinds, losses, compiled, targets, strict=False)
    return tuple(task_of(output, ends, loss or own, found) for output, ends, loss, own, found in each)


def task_of(output: TensorFacts, ends_in: Ends, loss: str | None, targets: TargetFacts) -> OutputTask:
    """The task of one output; `loss` is written as `edgekit.verdict.losses` reads it, None if it is not known."""
    kind = kind_of(output, ends_in, loss, targets)
    is_logit = ends_in == "linear" and kind in ("binary", "multilabel") and not is_distance(loss)
    return OutputTask(kind=kind, threshold=0.0 if is_logit else 0.5)


def kind_of(output: TensorFacts, ends_in: Ends, loss: str | None, targets: TargetFacts) -> Kind | None:
    """What an output is for, by the values of its targets first; None if the two do not go together.

    Class numbers of the output, and one-hot rows, always mean classes. A linear output whose loss is a distance is a
    regression, even if all targets are whole numbers, or 0 and 1. Without a loss, zeros and ones are labels, and all other
    numbers a regression.
    """
    if is_class_numbers(output, targets):
        return "classification"
    if not same(targets.sample, output.shape) and not _is_single(output, targets):
        return None
    if targets.rows == "one-hot":
        return "classification"
    if ends_in == "softmax":
        return "classification" if targets.rows == "distribution" else "multilabel" if targets.is_zero_one else None
    if ends_in == "linear" and is_distance(loss):
        return "regression"
    if targets.rows == "distribution" and takes_shares(loss):
        return "classification"
    if _are_labels(targets, ends_in):
        return "multilabel" if _columns(output) > 1 else "binary"
    whole_for_shares = ends_in == "sigmoid" and not targets.is_float
    return None if whole_for_shares else "regression"


def takes_accuracy(task: OutputTask, targets: TargetFacts) -> bool:
    """Whether decisions can be right or wrong: for classes and labels, not for numbers."""
    return task.kind != "regression" or targets.is_zero_one


def is_class_numbers(output: TensorFacts, targets: TargetFacts) -> bool:
    """Whether targets are class numbers for the items of the output's last axis, one a sample or one a place."""
    classes, places = _columns(output), output.shape[:-1]
    shapes = (places, (*places, 1))
    fits = any(same(targets.sample, shape) for shape in shapes)
    return classes > 1 and fits and not targets.is_float and targets.low >= 0 and targets.high < classes


def same(sample: tuple[int, ...], shape: tuple[int | None, ...]) -> bool:
    """Whether a sample has a shape; free sizes (None) match any."""
    return len(sample) == len(shape) and all(b is None or a == b for a, b in zip(sample, shape, strict=True))


def _are_labels(targets: TargetFacts, ends_in: Ends) -> bool:
    """Whether targets are zeros and ones, or, for a sigmoid, smoothed labels. Floats that are all the same are not labels."""
    if targets.is_zero_one:
        return not targets.is_float or ends_in == "sigmoid" or targets.distinct == 2
    return ends_in == "sigmoid" and targets.distinct == 2 and 0 <= targets.low < 0.5 < targets.high <= 1


def _is_single(output: TensorFacts, targets: TargetFacts) -> bool:
    """Whether both output and targets are one number a sample, in whatever shape."""
    return targets.sample in ((), (1,)) and output.shape in ((), (1,))


def _columns(output: TensorFacts) -> float:
    """Items of the last axis; a free size counts as several."""
    if not output.shape:
        return 1
    last = output.shape[-1]
    return float("inf") if last is None else last
