"""How much the outputs of two models on the same samples agree: equal decisions, variance explained, differences.

It finds a file that runs but whose outputs are garbage. How good a model is, `edgekit.verdict.metrics` says.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from edgekit.errors import DataError
from edgekit.values import Value
from edgekit.verdict.task import Kind

if TYPE_CHECKING:
    import numpy as np

BINARY_THRESHOLD = 0.5
GARBAGE_BELOW = 0.9
GARBAGE_KAPPA = 0.1
NOTHING_EXPLAINED = 0.5
"""A file whose decisions never vary is garbage if its outputs explain no more than this share of the reference's variance."""
FLAT = 1e-6
"""An output that varies by less than this share of its largest value counts as constant."""


class Agreement(Value):
    """How much two models' outputs agree: `same` is the share of equal decisions (None for a regression).

    `explained` is the share of the first one's variance that the second explains (R², at most 1), over all columns
    together, with each value measured from its own mean over the samples. `chance` is the share of equal decisions that two
    models would reach by chance, with these frequencies of decisions. `constant` says that the second one's outputs (or
    decisions, if it makes any) never vary, while the first one's do.
    """

    same: float | None
    chance: float | None
    explained: float | None
    largest_difference: float
    mean_difference: float
    samples: int
    constant: bool = False

    @property
    def is_garbage(self) -> bool:
        """Whether the second one's outputs are unrelated to the first one's.

        For decisions: fewer than nine in ten are equal, and Cohen's kappa is at most 0.1; or all are the same, and the outputs
        behind them do not follow the first one's either. For a regression: no better than a constant. A model that is merely
        worse is not garbage: its accuracy decides.
        """
        if self.same is None or self.chance is None:
            is_finite = math.isfinite(self.largest_difference)
            return self.constant or not is_finite or (self.explained is not None and self.explained <= 0.0)
        if self.constant and (self.explained is None or self.explained <= NOTHING_EXPLAINED):
            return True
        return self.same < GARBAGE_BELOW and self.same - self.chance <= GARBAGE_KAPPA * (1 - self.chance)


def agreement(
    first: np.ndarray, second: np.ndarray, *, kind: Kind | None = None, threshold: float | None = None
) -> Agreement:
    """How much two models' outputs on the same samples agree; arrays (samples, ...) of the same shape, real values.

    `kind` is the task of the output. Classes are decided by the largest item of the last axis, at every place of a map;
    labels by the `threshold` (0.5). If the kind is not known, outputs (samples, classes) are decisions, and so are
    single outputs if a `threshold` is given, or if all are in [0, 1] (threshold 0.5); all others are a regression.
    Raises `DataError` if the shapes differ.
    """
    import numpy as np

    if first.shape != second.shape:
        raise DataError("outputs of another shape", received=str(second.shape), allowed=str(first.shape))
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    gap = np.where(np.isfinite(a) & np.isfinite(b), np.abs(a - b), np.inf)
    same = chance = None
    varies, constant = _varies(a), not _varies(b)
    decisions = _decisions_of(a, kind, threshold), _decisions_of(b, kind, threshold)
    if decisions[0] is not None and decisions[1] is not None:
        same = float(np.mean(decisions[0] == decisions[1])) if decisions[0].size else 1.0
        chance = _chance(decisions[0], decisions[1])
        always = _always_alike(decisions[1]) and not _always_alike(decisions[0])
        constant = always or (kind is None and varies and constant)
    else:
        constant = varies and constant
    spread = float(np.sum((a - a.mean(axis=0)) ** 2)) if a.size else 0.0
    return Agreement(
        same=same,
        chance=chance,
        explained=1.0 - float(np.sum(gap**2)) / spread if spread > 0 and np.isfinite(gap).all() else None,
        largest_difference=float(gap.max()) if gap.size else 0.0,
        mean_difference=float(gap.mean()) if gap.size else 0.0,
        samples=len(a),
        constant=constant,
    )


def _varies(outputs: np.ndarray) -> bool:
    """Whether an output differs between samples."""
    import numpy as np

    if len(outputs) < 2 or not outputs.size:
        return False
    largest = float(np.abs(outputs).max())
    return bool((np.ptp(outputs, axis=0) > FLAT * largest).any()) if math.isfinite(largest) else True


def _always_alike(decisions: np.ndarray) -> bool:
    """Whether every sample gets the same decisions as the first one, at each place."""
    return bool((decisions == decisions[:1]).all())


def _decisions_of(outputs: np.ndarray, kind: Kind | None, threshold: float | None) -> np.ndarray | None:
    """Class or label at every place; -1 for an output that is not a number; None for a regression."""
    import numpy as np

    if kind == "regression" or not outputs.size:
        return None
    if kind == "classification" or (kind is None and outputs.ndim == 2 and outputs.shape[1] > 1):
        return np.where(np.isnan(outputs).any(axis=-1), -1, outputs.argmax(axis=-1))
    if kind is None:
        if outputs.size != len(outputs):
            return None
        if threshold is None and not ((outputs >= 0) & (outputs <= 1)).all():
            return None
    limit = BINARY_THRESHOLD if threshold is None else threshold
    return np.where(np.isnan(outputs), -1, (outputs > limit).astype(np.int64))


def _chance(first: np.ndarray, second: np.ndarray) -> float:
    """Expected share of equal decisions if the two decide independently with these frequencies (Cohen, 1960)."""
    import numpy as np

    most = int(max(first.max(initial=0), second.max(initial=0))) + 2
    shares = [np.bincount(each.reshape(-1) + 1, minlength=most) / max(1, each.size) for each in (first, second)]
    return float(shares[0] @ shares[1])
