"""Mean absolute error (MAE) and mean squared error (MSE) of a regression."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgekit.errors import DataError
from edgekit.verdict.metrics.mean import Mean

if TYPE_CHECKING:
    import numpy as np


class MeanAbsoluteError(Mean):
    """MAE. Raises `DataError` for targets of another size than the outputs."""

    def __init__(self, targets: np.ndarray, outputs: np.ndarray) -> None:
        super().__init__(targets, outputs, _errors(targets, outputs, squared=False))


class MeanSquaredError(Mean):
    """MSE. Raises `DataError` for targets of another size than the outputs."""

    def __init__(self, targets: np.ndarray, outputs: np.ndarray) -> None:
        super().__init__(targets, outputs, _errors(targets, outputs, squared=True))


def _errors(targets: np.ndarray, outputs: np.ndarray, *, squared: bool) -> np.ndarray:
    """Mean absolute or squared error of each sample, float64 (samples,)."""
    import numpy as np

    if targets.size != outputs.size:
        raise DataError(
            "targets of another shape than the outputs", received=str(targets.shape), allowed=str(outputs.shape)
        )
    gaps = outputs.reshape(len(outputs), -1).astype(np.float64) - targets.reshape(len(outputs), -1)
    return np.asarray((gaps**2 if squared else np.abs(gaps)).mean(axis=1))
