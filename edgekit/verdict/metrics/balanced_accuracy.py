"""Balanced accuracy: every class counts the same, however many samples it has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgekit.verdict.decisions import decisions, is_one_hot
from edgekit.verdict.metrics.interface import Measure

if TYPE_CHECKING:
    import numpy as np


class BalancedAccuracy(Measure):
    """The mean over the classes of the share of their samples (or places) that are right, however many these are.

    With several labels at once, each label's yes and no are two classes of their own.
    """

    undefined = "no target names a class"

    def __init__(self, targets: np.ndarray, outputs: np.ndarray, threshold: float) -> None:
        import numpy as np

        super().__init__(targets, outputs)
        decided, labels = (each.reshape(len(outputs), -1) for each in decisions(targets, outputs, threshold))
        right = decided == labels
        if targets.shape == outputs.shape and outputs.shape[-1] > 1 and not is_one_hot(targets):
            labels = labels + 2 * np.arange(labels.shape[1])
        self._classes, self._labels, self._right = int(labels.max()) + 1, labels, right.astype(np.float64)

    def value(self) -> float:
        import numpy as np

        return float(self.resampled(np.arange(self.samples)[None])[0])

    def resampled(self, rows: np.ndarray) -> np.ndarray:
        import numpy as np

        return np.array([self._mean(self._labels[row].reshape(-1), self._right[row].reshape(-1)) for row in rows])

    def _mean(self, labels: np.ndarray, right: np.ndarray) -> float:
        import numpy as np

        there = np.bincount(labels, minlength=self._classes)
        found = np.bincount(labels, weights=right, minlength=self._classes)
        return float(np.mean(found[there > 0] / there[there > 0]))
