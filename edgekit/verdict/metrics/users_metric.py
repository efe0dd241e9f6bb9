"""A metric of the user's own: a function of targets and outputs, which comes as an argument."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from edgekit.verdict.metrics.interface import Measure

if TYPE_CHECKING:
    import numpy as np

UserFunction = Callable[["np.ndarray", "np.ndarray"], float]


class UsersMetric(Measure):
    """The user's function of (y_true, y_pred)."""

    undefined = "the metric's function did not return a number"

    def __init__(self, targets: np.ndarray, outputs: np.ndarray, function: UserFunction) -> None:
        super().__init__(targets, outputs)
        self._function = function

    def value(self) -> float:
        return float(self._function(self.targets, self.outputs))

    def resampled(self, rows: np.ndarray) -> np.ndarray:
        import numpy as np

        return np.array([float(self._function(self.targets[row], self.outputs[row])) for row in rows])
