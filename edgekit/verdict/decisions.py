"""Which class the outputs of a model decide for, and which the targets name: both as class numbers.

It knows how outputs and targets may be laid out, and nothing of a metric that compares them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from edgekit.errors import DataError

if TYPE_CHECKING:
    import numpy as np

LABEL_THRESHOLD = 0.5


def decisions(targets: np.ndarray, outputs: np.ndarray, threshold: float = LABEL_THRESHOLD) -> tuple[Any, Any]:
    """The decisions and the true ones, as class numbers int64 of one shape (samples, ...); -1 for an output that is not a number.

    Outputs (samples, classes): the largest one decides; (samples, 1) or (samples,): above the threshold is
    class 1. Targets are class numbers, or have the outputs' shape: one-hot, or several labels at once (each output is
    compared with the threshold). Raises `DataError` if they do not go together.
    """
    import numpy as np

    unknown = np.isnan(outputs)
    if outputs.ndim == 1 or outputs.shape[-1] == 1:
        decided = (outputs.reshape(len(outputs), -1) > threshold).astype(np.int64)
        unknown = unknown.reshape(len(outputs), -1)
        labels = class_numbers(_hardened(targets), 2, decided.shape)
    elif targets.shape == outputs.shape and not is_one_hot(targets):
        decided, labels = (outputs > threshold).astype(np.int64), (targets > LABEL_THRESHOLD).astype(np.int64)
    else:
        decided, unknown = outputs.argmax(axis=-1), unknown.any(axis=-1)
        labels = class_numbers(targets, outputs.shape[-1], decided.shape)
    return np.where(unknown, -1, decided), labels


def _hardened(targets: np.ndarray) -> np.ndarray:
    """Targets between 0 and 1, as label smoothing makes them, rounded to 0 or 1; anything else unchanged."""
    shares = targets.dtype.kind == "f" and targets.size and targets.min() >= 0 and targets.max() <= 1
    return (targets > LABEL_THRESHOLD) if shares else targets


def is_one_hot(targets: np.ndarray) -> bool:
    import numpy as np

    return bool(np.allclose(targets.sum(axis=-1), 1.0, atol=1e-3))


def class_numbers(targets: np.ndarray, classes: int, shape: tuple[int, ...]) -> np.ndarray:
    """Targets as class numbers of a shape; raises `DataError` if they are not class numbers."""
    import numpy as np

    labels = targets
    if labels.size == math.prod(shape) * classes and labels.shape[-1] == classes and labels.size != math.prod(shape):
        labels = labels.argmax(axis=-1)
    if labels.size != math.prod(shape):
        raise DataError(
            "the labels do not go with the outputs",
            received=f"targets of shape {targets.shape}",
            allowed=f"class numbers of shape {shape}, or one-hot rows of {classes}",
        )
    labels = labels.reshape(shape)
    if not np.isfinite(labels).all() or labels.min() < 0 or labels.max() >= classes or (labels % 1).any():
        raise DataError(
            "a label names no output of the model",
            received=f"labels from {labels.min()} to {labels.max()}",
            allowed=f"class numbers from 0 to {classes - 1}",
        )
    return labels.astype(np.int64)
