"""How many samples have which error: bars for the file, a line for the baseline."""

from __future__ import annotations

import itertools
import math

from edgekit.documents.decisions import Errors
from edgekit.emit.html.axis import axis
from edgekit.emit.html.scatter import LARGEST, Tick
from edgekit.values import Value

_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 16.0, 30.0, 40.0
HEIGHT = 220.0


class Histogram(Value):
    """The picture: filled bars as one path, the baseline's steps as another (empty if there is no baseline)."""

    width: float
    height: float
    frame: tuple[float, float, float, float]
    bars: str
    steps: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    told: str


def histogram(errors: Errors | None, width: float) -> Histogram | None:
    """The picture of a report's errors; None if there are none, or they are inconsistent."""
    if errors is None or not _is_sound(errors):
        return None
    left, top, right, bottom = _LEFT, _TOP, width - _RIGHT, HEIGHT - _BOTTOM
    low, high = errors.edges[0], errors.edges[-1]
    across = axis([low, high], "", from_zero=False, count=6 if width > 500 else 4)
    most = max(*errors.after, *errors.before, 1)
    up = axis([float(most)], "", from_zero=True, count=3)

    def x(value: float) -> float:
        return round(left + across.share(value) * (right - left), 1)

    def y(value: float) -> float:
        return round(bottom - value / most * (bottom - top), 1)

    def outline(counts: tuple[int, ...]) -> str:
        steps = "".join(f"V{y(count):g}H{x(edge):g}" for count, edge in zip(counts, errors.edges[1:], strict=True))
        return f"M{x(low):g} {bottom:g}{steps}V{bottom:g}"

    return Histogram(
        width=width,
        height=HEIGHT,
        frame=(left, top, right, bottom),
        bars=f"{outline(errors.after)}Z",
        steps=outline(errors.before) if errors.before else "",
        x_ticks=tuple(Tick(at=x(tick * across.divisor), text=text) for tick, text in across.ticks),
        y_ticks=tuple(Tick(at=y(tick * up.divisor), text=text) for tick, text in up.ticks),
        told=f"{sum(errors.after)} samples between {low:g} and {high:g}, at most {most} in one bar",
    )


def _is_sound(errors: Errors) -> bool:
    """Whether the edges rise, and each pair has a count: the report may come from anybody."""
    edges, counts = errors.edges, (*errors.after, *errors.before)
    return (
        2 <= len(edges) == len(errors.after) + 1 <= 200
        and len(errors.before) in (0, len(errors.after))
        and all(math.isfinite(edge) and abs(edge) <= LARGEST for edge in edges)
        and all(first < second for first, second in itertools.pairwise(edges))
        and all(0 <= count <= LARGEST for count in counts)
    )
