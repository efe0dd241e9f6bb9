"""What a metric is: a value over one model's outputs, the same on resamples of them, and an interval."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgekit.verdict.metrics.bootstrap import Resampled, bootstrap

if TYPE_CHECKING:
    import numpy as np


class Measure:
    """A metric over one model's outputs; `decisions` are right or wrong, if the metric is a share of right ones."""

    decisions: np.ndarray | None = None
    undefined = "the metric is not defined on these targets"

    def __init__(self, targets: np.ndarray, outputs: np.ndarray) -> None:
        self.targets, self.outputs = targets, outputs
        self.samples = len(outputs)

    def value(self) -> float:
        """The metric on all samples."""
        raise NotImplementedError

    def resampled(self, rows: np.ndarray) -> np.ndarray:
        """The metric on each resample, float64 (resamples,)."""
        raise NotImplementedError

    def interval(self, value: float, seed: int, until: float) -> Resampled:
        """The 95% interval of the value."""
        return bootstrap(lambda rows, _: self.resampled(rows), self.samples, value, seed, until)
