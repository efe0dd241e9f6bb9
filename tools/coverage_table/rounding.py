"""Whether two models' answers agree within what a conversion's rounding explains. Pure.

Two measures, and either suffices. The *signal* is the variance of the model's answers over samples and values against
the mean square of the differences, in decibels. The *steps* are the largest of 99% of the differences, in steps of a grid of 255
values over the range of the answers: a model whose answers hardly vary is within few steps though its signal is small.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

MOST_DB = 200.0
GRID = 255
SHARE = 0.99
SHARE_WITH_JUMPS = 0.85


class Allowed(NamedTuple):
    """The least signal and the most steps of a conversion."""

    signal_db: float
    steps: float


ALLOWED = {
    "float32": Allowed(80.0, 0.02),
    "float16": Allowed(45.0, 0.25),
    "dynamic_range": Allowed(22.0, 3.0),
    "int16x8": Allowed(22.0, 3.0),
    "int8": Allowed(18.0, 4.0),
    "int8_float_fallback": Allowed(18.0, 4.0),
    "int8_mixed": Allowed(18.0, 4.0),
}
"""By conversion, for a model of `FEW` layers. A weight of float16 is within 2^-12 of its value (72 dB), one of int8 within half a step of its
channel (about 45 dB), and an activation of int8 within half a step of its tensor."""
FEW = 8


def allowed(conversion: str, layers: int) -> Allowed:
    """What is allowed to a model of so many layers: the errors of layers that do not depend on each other add up by their squares.

    >>> round(allowed("int8", 80).signal_db), round(allowed("int8", 4).signal_db)
    (8, 18)
    """
    one = ALLOWED[conversion]
    return one._replace(signal_db=one.signal_db - 10 * math.log10(max(1.0, layers / FEW)))


class Agreed(NamedTuple):
    """How far the answers are apart."""

    signal_db: float
    steps: float

    def within(self, allowed: Allowed) -> bool:
        return self.signal_db >= allowed.signal_db or self.steps <= allowed.steps

    def __str__(self) -> str:
        return f"{self.signal_db:.1f} dB, {self.steps:.2g} steps of {GRID}"


def apart(reference: list[np.ndarray], found: list[np.ndarray], *, jumps: bool = False) -> Agreed:
    """The worst of a model's outputs. Answers of another shape, or that are not finite where the reference is, are infinitely far."""
    if [np.shape(one) for one in reference] != [np.shape(one) for one in found]:
        return Agreed(-math.inf, math.inf)
    each = [_apart(np.asarray(a, float), np.asarray(b, float), jumps) for a, b in zip(reference, found, strict=True)]
    return Agreed(min(one.signal_db for one in each), max(one.steps for one in each))


def _apart(reference: np.ndarray, found: np.ndarray, jumps: bool) -> Agreed:
    if not np.isfinite(found).all():
        return Agreed(-math.inf, math.inf)
    gap = np.abs(reference - found)
    noise, signal = float((gap**2).mean()), float(((reference - reference.mean(axis=0)) ** 2).mean())
    decibels = MOST_DB if noise == 0 else 10 * math.log10(max(signal, 1e-30) / noise)
    width = max(float(reference.max()), 0.0) - min(float(reference.min()), 0.0)
    far = float(np.quantile(gap, SHARE_WITH_JUMPS if jumps else SHARE))
    return Agreed(min(decibels, MOST_DB), 0.0 if far == 0 else far / max(width, 1e-30) * GRID)
