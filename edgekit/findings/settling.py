"""The task of each output and the metric that judges the model, once both model and data are known."""

from __future__ import annotations

import msgspec

from edgekit.documents.facts import ModelFacts, TensorFacts
from edgekit.ingest.dataset import Dataset, Split
from edgekit.ingest.match import match
from edgekit.jobs.cache import Cache, key, versions
from edgekit.project.project import Project
from edgekit.project.userfunction import is_function
from edgekit.tflite.ends import ends_of
from edgekit.tflite.model import Tensor, TfliteModel
from edgekit.values import Value, to_builtins
from edgekit.verdict.judged_by import judged_by
from edgekit.verdict.metric_spec import MetricSpec
from edgekit.verdict.targets import TargetFacts
from edgekit.verdict.task import OutputTask, task_of, tasks_of

Targets = dict[Split, tuple[TargetFacts, ...]]


class Settled(Value):
    """A project whose metric is settled, the task of each output, and the facts of the targets by split."""

    project: Project
    tasks: tuple[OutputTask, ...]
    targets: Targets


def settled(project: Project, facts: ModelFacts, dataset: Dataset, cache: Cache) -> Settled:
    """The tasks and the metric of a model with its data; raises `DataError` if the two do not fit, or no metric has a meaning."""
    targets = targets_of(dataset, cache)
    tasks = tasks_of(facts, targets["train"], project.training.loss)
    asked, output = project.goal.metric, project.goal.output
    own = asked is not None and is_function(asked.name)
    trains = project.training.epochs > 0 and not facts.untrainable
    match(facts, dataset, tasks, targets, output=output, own_metric=own, trains=trains)
    metric = judged_by(asked, output, tasks, targets["train"])
    goal = msgspec.structs.replace(project.goal, metric=metric)
    return Settled(project=msgspec.structs.replace(project, goal=goal), tasks=tasks, targets=targets)


def targets_of(dataset: Dataset, cache: Cache) -> Targets:
    """The facts of every target, by split; they are read once."""
    from edgekit.ingest.targets import target_facts

    splits: list[Split] = [*dataset.splits]  # type: ignore[list-item]

    def read() -> object:
        return to_builtins({split: target_facts(dataset, split) for split in splits})

    name = key(data=dataset.sha256, what="targets", versions=versions())
    return msgspec.convert(cache.value("targets", name, read), Targets)


class SettledFile(Value):
    """The metric of a file, the task of each of its outputs, and the facts of the targets; without data there are no tasks."""

    metric: MetricSpec
    tasks: tuple[OutputTask, ...] = ()
    targets: Targets = {}
    outputs: tuple[TensorFacts, ...] = ()


def settled_for(
    model: TfliteModel,
    dataset: Dataset | None,
    asked: MetricSpec | None,
    output: int,
    threshold: float | None,
    cache: Cache,
) -> SettledFile:
    """The metric and tasks of a `.tflite` on the test split: from its outputs and the targets, since a file names no loss.

    A given `threshold` comes before that of the task. Raises `DataError` as `judged_by` does.
    """
    if dataset is None:
        return SettledFile(metric=asked or MetricSpec(output=output))
    every = targets_of(dataset, cache)
    targets, ports = every["test"], tuple(_output(model, tensor) for tensor in model.output_tensors)
    each = zip(ports, ends_of(model), targets, strict=False)
    tasks = tuple(task_of(port, ends, None, found) for port, ends, found in each)
    if threshold is not None:
        tasks = tuple(msgspec.structs.replace(task, threshold=threshold) for task in tasks)
    metric = judged_by(asked, output, tasks, targets, where="--metric")
    return SettledFile(metric=metric, tasks=tasks, targets=every, outputs=ports)


def _output(model: TfliteModel, tensor: Tensor) -> TensorFacts:
    """An output without its batch axis; sizes that are free are None."""
    sizes = zip(tensor.shape, tensor.shape_signature or tensor.shape, strict=False)
    shape = tuple(None if free < 0 else size for size, free in sizes)
    return TensorFacts(name=model.name_of(tensor.index), shape=shape[1:], dtype=tensor.dtype)
