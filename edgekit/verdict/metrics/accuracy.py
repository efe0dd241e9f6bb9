"""Accuracy: the share of decisions that are right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgekit.verdict.decisions import decisions
from edgekit.verdict.metrics.mean import Mean

if TYPE_CHECKING:
    import numpy as np


class Accuracy(Mean):
    """The share of right decisions; above `threshold` a single output, or each of several labels, means yes."""

    def __init__(self, targets: np.ndarray, outputs: np.ndarray, threshold: float) -> None:
        super().__init__(targets, outputs, _hits(targets, outputs, threshold))


def _hits(targets: np.ndarray, outputs: np.ndarray, threshold: float) -> np.ndarray:
    """For each sample, whether it is right, bool (samples,); with many decisions a sample, the share, float (samples,)."""
    decided, labels = decisions(targets, outputs, threshold)
    right: np.ndarray = (decided == labels).reshape(len(outputs), -1)
    return right[:, 0] if right.shape[1] == 1 else right.mean(axis=1)
