"""Classes that the data lacks, that the model never predicts, or that far outnumber the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from edgekit.documents.report import Finding
from edgekit.ingest.dataset import Split
from edgekit.sanity.amounts import both, named, percent, some
from edgekit.sanity.decision_counts import Decided
from edgekit.verdict.targets import TargetFacts

HEAVY = 0.6
"""Imbalance is heavy if the largest class's share of the samples lies this far on the way from an even share (0) to all (1)."""
APART, UNEVEN, LEAST = 0.1, 5.0, 5
"""It is also heavy if accuracy exceeds balanced accuracy by `APART`, and the largest class has `UNEVEN` times the samples of
the smallest, which has at least `LEAST`."""
NEVER = 10
"""A class that is never predicted is reported if it has at least this many samples."""


def imbalance(found: Decided, metric: str) -> Finding | None:
    """Heavily imbalanced classes judged by accuracy; the finding gives the balanced accuracy beside it."""
    counts = found.table.sum(axis=1)
    there = counts[counts > 0]
    if metric != "accuracy" or found.kind == "multilabel" or len(there) < 2 or found.samples < 2:
        return None
    share, even = float(there.max() / there.sum()), 1 / len(there)
    recalls = [float(found.table[index, index] / count) for index, count in enumerate(counts) if count]
    balanced = sum(recalls) / len(recalls)
    is_uneven = there.min() >= LEAST and there.max() >= UNEVEN * there.min()
    heavy = (share - even) / (1 - even) >= HEAVY or (found.score - balanced >= APART and is_uneven)
    if not heavy:
        return None
    return Finding(
        name="imbalance",
        what=f"{percent(share)} of {found.split} is of one class ({int(counts.argmax())}): always answering it has an accuracy of "
        f"{percent(share)}; the model has {percent(found.score)}, and a balanced accuracy of {percent(balanced)}",
        advice='set metric = "balanced_accuracy" (or "auc") in [goal], so that what the small classes lose counts',
    )


def absent_classes(
    targets: Mapping[Split, TargetFacts], classes: int, splits: Sequence[Split], names: Sequence[str] = ()
) -> list[Finding]:
    """Classes of the output without a sample in a split."""
    lacking: dict[tuple[int, ...], list[str]] = {}
    for split in splits:
        counts = (targets[split].columns or targets[split].counts) if split in targets else ()
        if counts:
            absent = tuple(index for index in range(classes) if index >= len(counts) or counts[index] == 0)
            lacking.setdefault(absent, []).append(split)
    return [
        Finding(
            name="absent_class",
            what=f"{both(where)} {'have' if len(where) > 1 else 'has'} no sample of {len(absent)} of the model's {classes} classes: "
            f"{some([named(index, names) for index in absent])}",
            advice="add samples of them: what a smaller model loses of a class that is not there cannot be seen",
        )
        for absent, where in lacking.items()
        if absent
    ]


def never_answered(found: Decided, names: Sequence[str] = ()) -> Finding | None:
    """Classes that have samples, but that the model predicts for no sample at all."""
    if found.kind == "multilabel" or found.score < found.chance:
        return None
    counts, answered = found.table.sum(axis=1), found.table.sum(axis=0)
    places = found.labels.shape[1]
    never = [index for index in range(found.classes) if counts[index] >= NEVER * places and not answered[index]]
    if not never:
        return None
    lost = int(counts[never].sum())
    return Finding(
        name="never_answered",
        what=f"the model never answers with {some([named(index, names) for index in never])}, of which {found.split} has "
        f"{lost:,} {'samples' if places == 1 else 'places'}",
        advice="look at whether it was trained on them, and whether they have the same numbers there",
    )


def constant_targets(targets: Mapping[Split, Sequence[TargetFacts]], outputs: Sequence[str]) -> list[Finding]:
    """Outputs whose targets are the same in all samples of a split."""
    found = []
    for index, output in enumerate(outputs):
        flat = [split for split, each in targets.items() if index < len(each) and _is_flat(each[index])]
        if flat:
            name = f"of output {output!r} " if len(outputs) > 1 else ""
            found.append(
                Finding(
                    name="constant_targets",
                    what=f"the targets {name}are all {targets[flat[0]][index].low:g} in {both(flat)}",
                    advice="look at how they were made: any model that always answers it is right",
                )
            )
    return found


def _is_flat(targets: TargetFacts) -> bool:
    return targets.samples > 1 and targets.low == targets.high
