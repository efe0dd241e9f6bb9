"""AUC: the area under the ROC curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgekit.verdict.decisions import LABEL_THRESHOLD, class_numbers, is_one_hot
from edgekit.verdict.intervals import occurrences
from edgekit.verdict.metrics.interface import Measure

if TYPE_CHECKING:
    import numpy as np


class Auc(Measure):
    """Area under the ROC curve; for several classes, the unweighted mean of one class against the rest."""

    undefined = "the area under the curve needs both classes in the targets (and outputs that are numbers)"

    def __init__(self, targets: np.ndarray, outputs: np.ndarray) -> None:
        super().__init__(targets, outputs)
        self._columns = _one_against_rest(targets, outputs)

    def value(self) -> float:
        import numpy as np

        return float(self._mean(np.ones((1, self.samples)))[0])

    def resampled(self, rows: np.ndarray) -> np.ndarray:
        return self._mean(occurrences(rows))

    def _mean(self, weights: np.ndarray) -> np.ndarray:
        import numpy as np

        areas = np.array([_area(positive, values, weights) for positive, values in self._columns])
        if not len(areas) or not np.isfinite(self.outputs).all():
            return np.full(len(weights), np.nan)
        known = np.isfinite(areas)
        total: np.ndarray = np.where(known, areas, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
        return np.where(known.any(axis=0), total, np.nan)


def _one_against_rest(targets: np.ndarray, outputs: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each class (with two classes, the second alone): which samples are of it, and the model's output for it."""
    flat = outputs.reshape(len(outputs), -1)
    if flat.shape[1] == 1:
        labels = class_numbers(targets, 2, (len(flat),))
        return [(labels == 1, flat[:, 0])]
    if targets.shape == outputs.shape and not is_one_hot(targets):
        wanted = targets.reshape(flat.shape) > LABEL_THRESHOLD
        return [(wanted[:, index], flat[:, index]) for index in range(flat.shape[1])]
    labels = class_numbers(targets, flat.shape[1], (len(flat),))
    classes = [1] if flat.shape[1] == 2 else range(flat.shape[1])
    return [(labels == index, flat[:, index]) for index in classes]


def _area(positive: np.ndarray, values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Area under the ROC curve for rows of sample weights (resamples, samples); NaN if a class is missing.

    The share of pairs (positive, negative) in which the positive has the larger value, ties counting half
    (Hanley and McNeil, Radiology 143:29, 1982).
    """
    import numpy as np

    _, group = np.unique(values, return_inverse=True)
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    ordered = weights[:, order]
    of_positive = np.add.reduceat(ordered * positive[order], starts, axis=1)
    of_negative = np.add.reduceat(ordered * ~positive[order], starts, axis=1)
    below = np.cumsum(of_negative, axis=1) - of_negative
    pairs = of_positive.sum(axis=1) * of_negative.sum(axis=1)
    wins = (of_positive * (below + 0.5 * of_negative)).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(pairs > 0, wins / pairs, np.nan))
