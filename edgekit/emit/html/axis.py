"""An axis of a chart: round ticks in a unit that suits the values, and the position of a value on it.

It knows units and numbers, and not what is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from edgekit.values import Value

_SCALES: dict[str, tuple[tuple[float, str], ...]] = {
    "B": ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"), (1, "B")),
    "ms": ((1e3, "s"), (1, "ms"), (1e-3, "µs"), (1e-6, "ns")),
    "%": ((0.01, "%"),),
}
_ROUND = (1, 2, 5, 10)


class Axis(Value):
    """`low` to `high` in units of `divisor`; `ticks` are positions in the same units with their texts."""

    low: float
    high: float
    divisor: float
    unit: str
    ticks: tuple[tuple[float, str], ...]

    def share(self, value: float) -> float:
        """The position of a value (in its base unit): 0 at `low`, 1 at `high`."""
        return (value / self.divisor - self.low) / (self.high - self.low)


def axis(values: Sequence[float], unit: str, *, from_zero: bool, cap: float | None = None, count: int = 5) -> Axis:
    """An axis that holds all values, with about `count` ticks, none of them above `cap`.

    If it starts from zero, it ends at the largest value, else at round numbers on both sides.

    >>> axis([44_000, 156_000], "B", from_zero=True).ticks[-1]
    (150.0, '150')
    >>> [text for _, text in axis([0.981, 1.0], "%", from_zero=False, cap=1.0).ticks]
    ['98.0', '98.5', '99.0', '99.5', '100.0']
    """
    divisor, name = _scale(max(map(abs, values)), unit)
    low, high = min(values) / divisor, max(values) / divisor
    low = min(low, 0.0) if from_zero else low
    if high - low <= 1e-9 * max(1.0, abs(high)):
        low, high = low - _room(low, unit), high + _room(high, unit)
    limit = math.inf if cap is None or max(values) > cap else cap / divisor
    step = _step((min(high, limit) - low) / count)
    first, last = math.floor(low / step + 1e-9), math.ceil(min(high, limit) / step - 1e-9)
    ticks = [number * step for number in range(first, last + 1)]
    end = high if from_zero else min(ticks[-1], limit)
    places = max(0, -math.floor(math.log10(step) + 1e-9))
    return Axis(
        low=ticks[0],
        high=end,
        divisor=divisor,
        unit=name,
        ticks=tuple((tick, f"{tick:.{places}f}") for tick in ticks if tick <= end + 1e-9 * step),
    )


def _scale(largest: float, unit: str) -> tuple[float, str]:
    """The largest unit in which the value is at least one."""
    scales = _SCALES.get(unit, ((1, unit),))
    return next((scale for scale in scales if largest >= scale[0]), scales[-1])


def _room(value: float, unit: str) -> float:
    """How far an axis extends on either side if all values are the same."""
    return max(abs(value) * 1e-6, 1.0) if unit == "%" else max(abs(value) * 0.05, 1e-9)


def _step(wanted: float) -> float:
    """The smallest round number that is not below a step."""
    power: float = 10.0 ** math.floor(math.log10(wanted))
    return next(number for number in _ROUND if number * power >= wanted * (1 - 1e-9)) * power
