"""Between which numbers each channel of a value stays: interval arithmetic, where a channel that is one number is constant.

Ends may be infinite. What float32 cannot tell from a constant counts as one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from edgekit.passes.channels.curves import Curve

NEGLIGIBLE = 1e-9
"""A sixtieth of float32's half step of 6e-8: what is this much smaller than what it is added to does not change it."""
TINY = 1e-12
"""Numbers below this count as zero: what weight decay has left of a bias or an offset. Activations are of the order of one."""


class Range(NamedTuple):
    """The least and the largest number of each channel, float64."""

    low: np.ndarray
    high: np.ndarray

    @property
    def is_constant(self) -> np.ndarray:
        """Of each channel, whether it holds one number."""
        return np.asarray((self.low == self.high) & np.isfinite(self.low))

    @property
    def with_zero(self) -> Range:
        """The range with the zeros that padding puts beside it."""
        return Range(np.minimum(self.low, 0.0), np.maximum(self.high, 0.0))


def anything(channels: int) -> Range:
    """The range of channels of which nothing is known."""
    return Range(np.full(channels, -np.inf), np.full(channels, np.inf))


def settled(low: Any, high: Any) -> Range:
    """A range whose ends are one number where they differ by nothing that float32 holds; a NaN is an end that is not known."""
    low, high = np.where(np.isnan(low), -np.inf, low), np.where(np.isnan(high), np.inf, high)
    low, high = (np.where(np.abs(end) < TINY, 0.0, end) for end in (low, high))
    is_one = np.isfinite(low) & np.isfinite(high)
    size = np.maximum(np.abs(low), np.abs(high), where=is_one, out=np.zeros_like(low))
    is_one &= np.subtract(high, low, where=is_one, out=np.zeros_like(low)) <= NEGLIGIBLE * size
    return Range(low, np.where(is_one, low, high))


def scaled(given: Range, scale: np.ndarray, offset: Any = 0.0) -> Range:
    """The range of `x * scale + offset`; nothing times anything is nothing."""
    with np.errstate(invalid="ignore"):
        ends = [np.where(scale == 0, 0.0, end * scale) for end in given]
    return settled(np.minimum(*ends) + offset, np.maximum(*ends) + offset)


def curved(given: Range, curve: Curve) -> Range:
    """The range of an activation of each number; of one that bends, only where it is given constants."""
    ends = np.asarray(curve.function(np.stack(given).astype(np.float32)), np.float64)
    low, high = np.minimum(*ends), np.maximum(*ends)
    if not curve.is_rising:
        low, high = np.where(given.is_constant, low, -np.inf), np.where(given.is_constant, high, np.inf)
    return settled(low, high)


def _product(one: Range, other: Range) -> tuple[np.ndarray, np.ndarray]:
    products = [np.where((a == 0) | (b == 0), 0.0, a * b) for a in one for b in other]
    return np.minimum.reduce(products), np.maximum.reduce(products)


_MERGED: dict[str, Callable[[Range, Range], tuple[np.ndarray, np.ndarray]]] = {
    "Add": lambda one, other: (one.low + other.low, one.high + other.high),
    "Subtract": lambda one, other: (one.low - other.high, one.high - other.low),
    "Multiply": _product,
    "Maximum": lambda one, other: (np.maximum(one.low, other.low), np.maximum(one.high, other.high)),
    "Minimum": lambda one, other: (np.minimum(one.low, other.low), np.minimum(one.high, other.high)),
}


def merged(name: str, parts: Sequence[Range]) -> Range:
    """The range of a merge of values, in their order."""
    found = parts[0]
    with np.errstate(invalid="ignore"):
        for part in parts[1:]:
            found = settled(*_MERGED[name](found, part))
    return found
