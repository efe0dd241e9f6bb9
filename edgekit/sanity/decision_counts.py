"""A model's decisions on a split counted against the labels: the figures behind findings about labels."""

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
"""The most classes for which the (square) table of decisions against labels is made."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Decided:
    """Decisions and labels as class numbers, int64 (samples, places): one place, one for each place of a map, or one a label.

    `classes` counts the classes of the output: 2 for a yes-or-no output, and for each of several labels. A decision of -1
    stands for no decision.
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
        """How often each class (row) was predicted as each class (column), int64."""
        return tables(self, [slice(None)])[0]

    @property
    def score(self) -> float:
        """The share that is right."""
        return float((self.decisions == self.labels).mean())

    @property
    def chance(self) -> float:
        """The share that would be right if decisions were independent of labels, with both as frequent as they are."""
        return chance(self.table)

    @property
    def kappa(self) -> float:
        """Cohen's kappa (1960): 1 if all is right, 0 if no more than by chance, negative if less."""
        return kappa(self.score, self.chance)


def decided(
    split: str, kind: Kind | None, targets: np.ndarray, outputs: np.ndarray, threshold: float
) -> Decided | None:
    """The decisions of one output on a split; None for a regression, or if there are too many classes for a table."""
    from edgekit.verdict.decisions import decisions as decide

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
    """The share right beyond chance, divided by the most that could be."""
    return (score - by_chance) / (1 - by_chance) if by_chance < 1 else 0.0


def beyond_chance(table: np.ndarray, samples: int) -> tuple[float, float]:
    """By how many standard deviations hits exceed chance, and by how many they would if all decisions were right.

    Chance means that every way to assign these labels to these decisions is equally likely: the number of hits then has the
    mean and variance of matching two multisets. The places of a sample count together as one.
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
