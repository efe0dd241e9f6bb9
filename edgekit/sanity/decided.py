"""What a model decided on a split beside what is right, counted: the figures that findings about labels are made of."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from edgekit.verdict.task import Kind

if TYPE_CHECKING:
    import numpy as np

MOST_CLASSES = 2000
"""A table of decisions against labels is square: of more classes it is not made."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Decided:
    """Decisions and labels as class numbers, int64 (samples, places): one place, or those of a map, or one a label.

    `classes` are those of the output: 2 for yes and no and for each of several labels. A decision of -1 is none.
    """

    split: str
    kind: Kind
    classes: int
    decisions: np.ndarray
    labels: np.ndarray

    @property
    def samples(self) -> int:
        """How many samples."""
        return len(self.labels)

    @cached_property
    def table(self) -> np.ndarray:
        """How often each class (row) was answered with each (column), int64."""
        return tables(self, [slice(None)])[0]

    @property
    def score(self) -> float:
        """The share that is right."""
        return float((self.decisions == self.labels).mean())

    @property
    def chance(self) -> float:
        """The share that would be right if decisions had nothing to do with labels, both as frequent as they are."""
        return chance(self.table)

    @property
    def kappa(self) -> float:
        """How much of what chance leaves open is right (Cohen, 1960): 1 all, 0 none; negative where it is worse than chance."""
        return kappa(self.score, self.chance)


def decided(
    split: str, kind: Kind | None, targets: np.ndarray, outputs: np.ndarray, threshold: float
) -> Decided | None:
    """The decisions of one output on a split; None of a regression, and where there are too many classes for a table."""
    from edgekit.verdict.metrics import decisions as decide

    if kind is None or kind == "regression" or not len(outputs):
        return None
    found, labels = decide(targets, outputs, threshold)
    classes = outputs.shape[-1] if kind == "classification" else 2
    if classes > MOST_CLASSES:
        return None
    shape = (len(outputs), -1)
    return Decided(
        split=split, kind=kind, classes=int(classes), decisions=found.reshape(shape), labels=labels.reshape(shape)
    )


def tables(found: Decided, parts: Sequence[slice]) -> list[np.ndarray]:
    """The table of each part of the samples."""
    import numpy as np

    made = []
    for part in parts:
        labels, decisions = found.labels[part].reshape(-1), found.decisions[part].reshape(-1)
        known = decisions >= 0
        both = labels[known] * found.classes + decisions[known]
        made.append(np.bincount(both, minlength=found.classes**2).reshape(found.classes, found.classes))
    return made


def chance(table: np.ndarray) -> float:
    """Expected share of hits where rows and columns are independent."""
    total = float(table.sum())
    return float((table.sum(axis=0) @ table.sum(axis=1)) / total**2) if total else 0.0


def kappa(score: float, by_chance: float) -> float:
    """What is right beyond chance, of what chance leaves open."""
    return (score - by_chance) / (1 - by_chance) if by_chance < 1 else 0.0


def beyond_chance(table: np.ndarray, samples: int) -> tuple[float, float]:
    """By how many standard deviations hits exceed chance, and by how many they would if all were right.

    Of all ways to give the labels that there are to the decisions that there are, each as likely: the number of hits has the
    mean and variance of matching two multisets. Where a sample has many places they count as one together.
    """
    import numpy as np

    total = float(table.sum())
    if total < 2 or samples < 2:
        return 0.0, 0.0
    right, answered = table.sum(axis=1).astype(np.float64), table.sum(axis=0).astype(np.float64)
    both = right * answered
    of_each = float((both * (total - right) * (total - answered)).sum())
    of_pairs = float(both.sum() ** 2 - (both**2).sum())
    variance = (of_each + of_pairs) / (total**2 * (total - 1))
    variance *= total / samples
    if variance <= 0:
        return 0.0, 0.0
    hits, mean, deviation = float(np.trace(table)), float(both.sum()) / total, math.sqrt(variance)
    best = float(np.minimum(right, answered).sum())
    return (hits - mean) / deviation, (best - mean) / deviation
