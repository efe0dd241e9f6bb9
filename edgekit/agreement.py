"""How much the outputs of two models on the same samples agree: equal decisions, variance explained, differences.

It finds a file that runs and talks nonsense. How good a model is, is the business of `edgekit.metrics`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from edgekit.errors import DataError
from edgekit.values import Value

if TYPE_CHECKING:
    import numpy as np

BINARY_THRESHOLD = 0.5
GARBAGE_BELOW = 0.9
GARBAGE_KAPPA = 0.1


class Agreement(Value):
    """How much two models' outputs agree: `same` is the share of equal decisions (None for a regression).

    `explained` is the share of the first one's variance that the second explains (R², at most 1), `chance` the share
    of equal decisions that two models with these habits would reach without looking at the input.
    """

    same: float | None
    chance: float | None
    explained: float | None
    largest_difference: float
    mean_difference: float
    samples: int

    @property
    def is_garbage(self) -> bool:
        """Whether the second one's outputs tell nothing of the first one's.

        For decisions: fewer than nine in ten are equal, and not a tenth of what chance leaves open is explained
        (Cohen's kappa at most 0.1). For a regression: no better than a constant. A model that is merely worse is
        not garbage: that is for its accuracy to say.
        """
        if self.same is not None and self.chance is not None:
            return self.same < GARBAGE_BELOW and self.same - self.chance <= GARBAGE_KAPPA * (1 - self.chance)
        if not math.isfinite(self.largest_difference):
            return True
        return self.explained is not None and self.explained <= 0.0


def agreement(first: np.ndarray, second: np.ndarray, *, threshold: float | None = None) -> Agreement:
    """How much two models' outputs on the same samples agree; arrays (samples, ...) of the same shape, real values.

    Outputs (samples, classes) are decisions, and so are single ones: above `threshold` where one is given, else above
    0.5 where all are in [0, 1]. Any other is a regression. Raises `DataError` where the shapes differ.
    """
    import numpy as np

    if first.shape != second.shape:
        raise DataError("outputs of another shape", received=str(second.shape), allowed=str(first.shape))
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    gap = np.where(np.isfinite(a) & np.isfinite(b), np.abs(a - b), np.inf)
    same = chance = None
    decisions = _decisions_of(a, threshold), _decisions_of(b, threshold)
    if decisions[0] is not None and decisions[1] is not None:
        same = float(np.mean(decisions[0] == decisions[1]))
        chance = _chance(decisions[0], decisions[1])
    spread = float(np.sum((a - a.mean(axis=0)) ** 2)) if a.size else 0.0
    return Agreement(
        same=same,
        chance=chance,
        explained=1.0 - float(np.sum(gap**2)) / spread if spread > 0 and np.isfinite(gap).all() else None,
        largest_difference=float(gap.max()) if gap.size else 0.0,
        mean_difference=float(gap.mean()) if gap.size else 0.0,
        samples=len(a),
    )


def _decisions_of(outputs: np.ndarray, threshold: float | None) -> np.ndarray | None:
    import numpy as np

    if outputs.ndim == 2 and outputs.shape[1] > 1:
        return np.where(np.isnan(outputs).any(axis=1), -1, outputs.argmax(axis=1))
    column = outputs.reshape(len(outputs), -1)
    if column.shape[1] != 1 or not len(column):
        return None
    if threshold is None and not ((column >= 0) & (column <= 1)).all():
        return None
    decided = (column[:, 0] > (BINARY_THRESHOLD if threshold is None else threshold)).astype(np.int64)
    return np.where(np.isnan(column[:, 0]), -1, decided)


def _chance(first: np.ndarray, second: np.ndarray) -> float:
    """Expected share of equal decisions of independent deciders with these frequencies (Cohen, 1960)."""
    import numpy as np

    values = np.union1d(first, second)
    return float(sum(np.mean(first == value) * np.mean(second == value) for value in values))
