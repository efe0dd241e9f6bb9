"""A metric that is the mean of one figure a sample, whichever figure that is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgekit.verdict.intervals import wilson
from edgekit.verdict.metrics.bootstrap import Resampled
from edgekit.verdict.metrics.interface import Measure

if TYPE_CHECKING:
    import numpy as np


class Mean(Measure):
    """A mean of one figure a sample: accuracy, MAE, MSE."""

    def __init__(self, targets: np.ndarray, outputs: np.ndarray, figures: np.ndarray) -> None:
        super().__init__(targets, outputs)
        self.figures = figures
        self.undefined = "an output is not a number"
        if figures.dtype == bool:
            self.decisions = figures

    def value(self) -> float:
        return float(self.figures.mean())

    def resampled(self, rows: np.ndarray) -> np.ndarray:
        made: np.ndarray = self.figures[rows].mean(axis=1)
        return made

    def interval(self, value: float, seed: int, until: float) -> Resampled:
        if self.decisions is None:
            return super().interval(value, seed, until)
        return Resampled(wilson(int(self.decisions.sum()), self.samples), "Wilson")
