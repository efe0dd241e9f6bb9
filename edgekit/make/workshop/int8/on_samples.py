"""A file's answers on a few calibration samples, by which what rounding does to it is judged."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from edgekit.tflite.labels import printable
from edgekit.tflite.model import TfliteModel

SAMPLES = 8
MOST_MACS = 4e9
"""On fewer samples where they would take more multiply-accumulates than that, each time one of many files is tried."""
LOST = 1.0
"""The error of an output that is infinite or no number at all: as large as the output itself."""
Samples = Callable[[], Iterator[dict[str, np.ndarray]]]


def few(model: TfliteModel, samples: Samples, most_macs: float = MOST_MACS) -> list[np.ndarray]:
    """The first samples, an array for each of the file's inputs: `SAMPLES` of them where these take no more multiply-accumulates than that."""
    count = max(1, min(SAMPLES, int(most_macs / max(model.macs, 1))))
    taken = [in_order(model, sample) for sample in itertools.islice(samples(), count)]
    return [np.concatenate(each) for each in zip(*taken, strict=True)]


def in_order(model: TfliteModel, sample: dict[str, np.ndarray]) -> list[np.ndarray]:
    """A sample's arrays in the order of the file's inputs: the only one, or those under their names."""
    return [_of(sample, model.name_of(index)) for index in model.inputs]


def _of(sample: dict[str, np.ndarray], name: str) -> np.ndarray:
    return next(iter(sample.values())) if len(sample) == 1 else sample[name if name in sample else printable(name)]


def error(given: Sequence[np.ndarray], wanted: Sequence[np.ndarray], *, varied: bool = False) -> float:
    """The squared error of the outputs, each in units of its own mean square; where `varied`, of its variance from sample to sample, if there are several."""
    found = 0.0
    for one, right in zip(given, wanted, strict=True):
        real = right.astype(np.float64)
        variance = float(np.mean((real - np.mean(real, axis=0)) ** 2)) if varied else 0.0
        with np.errstate(all="ignore"):
            part = float(
                np.mean((one - real) ** 2) / max(variance or float(np.mean(real**2)), np.finfo(np.float32).tiny)
            )
        found += part if math.isfinite(part) else LOST
    return found
