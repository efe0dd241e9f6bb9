"""The metric of a file's outputs on each resample, kept beside these outputs: they are of one metric, one data set and one split, as the outputs are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def keep_beside(scores: Sequence[str], figures: np.ndarray) -> None:
    """Keep the figures (float64, one a resample) of a file whose outputs have these paths."""
    import numpy as np

    np.save(_place(scores), figures)


def kept(scores: Sequence[str]) -> np.ndarray | None:
    """The figures that were kept of a file whose outputs have these paths; None where there are none."""
    import numpy as np

    place = _place(scores)
    return np.load(place) if place.is_file() else None


def _place(scores: Sequence[str]) -> Path:
    first = Path(scores[0])
    return first.with_name(f"{first.stem}.resampled.npy")
