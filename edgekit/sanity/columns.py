"""Columns of an output that quantization loses: all share one scale, whose step is wider than a small column's values vary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgekit.documents.report import Finding

if TYPE_CHECKING:
    import numpy as np

LEVELS = 256
MOST_COLUMNS = 512
MOST_VALUES = 10**6
FEW_STEPS, WIDER = 8.0, 8.0
"""A column can be lost if it spans at most `FEW_STEPS` steps and another column is `WIDER` times as wide."""
LEFT = 0.9
"""A column counts as lost if less than this share of its variance is left."""


def swallowed(reference: np.ndarray, got: np.ndarray, output: str, *, scale: float | None = None) -> Finding | None:
    """The columns (items of the last axis) of one output that a file's outputs have lost; arrays (samples, ..., columns).

    `scale` is that of a quantized output; if the file gives the output as float, the step is found from its values.
    This is about columns of a regression: a small share of a rare class is simply small, and not lost.
    """
    import numpy as np

    columns = reference.shape[-1] if reference.ndim > 1 else 1
    if reference.shape != got.shape or not 1 < columns <= MOST_COLUMNS:
        return None
    rows = max(1, MOST_VALUES // columns)
    a, b = (np.asarray(each, np.float64).reshape(-1, columns) for each in (reference, got))
    a, b = (each[:: max(1, len(each) // rows)] for each in (a, b))
    step = scale if scale is not None else _step(b)
    if step is None or not np.isfinite(a).all() or not np.isfinite(b).all():
        return None
    width, spread = np.ptp(a, axis=0), ((a - a.mean(axis=0)) ** 2).sum(axis=0)
    left = 1 - ((a - b) ** 2).sum(axis=0) / np.where(spread > 0, spread, 1)
    lost = (spread > 0) & (width > 0) & (width <= FEW_STEPS * step) & (left < LEFT) & (width.max() >= WIDER * width)
    if not lost.any():
        return None
    said = [
        f"column {index} of output {output!r} goes from {a[:, index].min():.4g} to {a[:, index].max():.4g} and takes "
        f"{len(np.unique(b[:, index]))} value{'s' if len(np.unique(b[:, index])) > 1 else ''} in the file: {max(0.0, left[index]):.0%} of its variance is left"
        for index in np.flatnonzero(lost)[:4]
    ]
    more = f" (and {int(lost.sum()) - 4} more columns)" if lost.sum() > 4 else ""
    widest = int(width.argmax())
    return Finding(
        name="swallowed_column",
        what=f"{'; '.join(said)}{more}; all columns share one scale with steps of {step:.4g}, which column {widest} needs "
        f"({a[:, widest].min():.4g} to {a[:, widest].max():.4g})",
        advice="give it an output of its own, which gets a scale of its own, or scale the columns to one range in the model",
    )


def _step(values: np.ndarray) -> float | None:
    """The step of values that lie on a grid of at most 256 levels; None for other values."""
    import numpy as np

    found = np.unique(values)
    if not 1 < len(found) <= LEVELS:
        return None
    gaps = np.diff(found)
    step = float(gaps.min())
    return step if np.allclose(gaps / step, np.round(gaps / step), atol=0.05) else None
