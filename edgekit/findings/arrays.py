"""Findings on the arrays of a data set alone, without a model's answers; the figures behind them are cached with the data."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from edgekit.documents.facts import TensorFacts
from edgekit.documents.report import Finding
from edgekit.findings.settling import Targets
from edgekit.ingest.dataset import Dataset
from edgekit.ingest.held_seen import HeldSeen
from edgekit.ingest.seen import DataSeen
from edgekit.jobs.cache import Cache, key, versions
from edgekit.progress import Progress
from edgekit.sanity.balance import absent_classes, constant_targets
from edgekit.sanity.copies import copies
from edgekit.sanity.held import held_otherwise
from edgekit.sanity.inputs import inputs
from edgekit.values import to_builtins
from edgekit.verdict.task import OutputTask


def data_seen(dataset: Dataset, cache: Cache, progress: Progress) -> DataSeen:
    """The figures of a data set's arrays; the arrays are read once, then the figures come from the cache."""
    from edgekit.ingest.looking import look

    name = key(data=dataset.sha256, what="seen", versions=versions())
    return msgspec.convert(cache.value("seen", name, lambda: to_builtins(look(dataset, progress))), DataSeen)


def about_data(
    seen: DataSeen,
    targets: Targets,
    tasks: Sequence[OutputTask],
    input_names: Sequence[str],
    outputs: Sequence[TensorFacts],
    labels: Sequence[str],
    held: Sequence[HeldSeen],
) -> list[Finding]:
    """Values for held inputs that are others, copies, inputs without information, classes without samples, targets that are all the same."""
    are_classes = all(task.kind not in (None, "regression") for task in tasks)
    found = held_otherwise(held)
    found += copies(seen, are_classes=are_classes)
    found += inputs(seen, input_names)
    found += constant_targets(targets, [tensor.name for tensor in outputs])
    for index, (task, tensor) in enumerate(zip(tasks, outputs, strict=False)):
        classes = tensor.shape[-1] if tensor.shape else None
        if task.kind in ("classification", "multilabel") and classes is not None and classes > 1:
            each = {split: one[index] for split, one in targets.items() if index < len(one)}
            found += absent_classes(each, classes, [split for split in ("train", "test") if split in each], labels)
    return found
