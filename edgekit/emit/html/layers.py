"""Where the bytes, the milliseconds and the memory of a file are: a row for each operator, and a picture of the memory.

It shows what an `Insides` holds, and counts nothing itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from edgekit.documents.candidate import Estimate
from edgekit.documents.insides import Insides
from edgekit.emit.html.axis import axis
from edgekit.emit.html.figures import Figure
from edgekit.emit.html.scatter import Tick
from edgekit.tflite.breakdown import Breakdown, OperatorRow
from edgekit.units import format_ms, format_size
from edgekit.values import Value
from edgekit.verdict.wording import count, figure, interval

MOST_ROWS = 250
"""Longer models show only their heaviest operators: nobody reads a page of thousands of rows."""

WHOLE = "The milliseconds are the prediction for the whole, shared out by what each operator computes and moves."
_SKYLINE = (46.0, 16.0, 36.0, 40.0)  # left, right, top, bottom of the frame, from the picture's edges
_BINS = 600  # a picture has room for this many steps


class LayerRow(Value):
    """One operator; shares are relative to the largest in the column, for bars."""

    number: int
    label: str
    operator: str
    shape: str
    arithmetic: str
    macs: str
    bytes: Figure
    bytes_share: float
    percent: str
    latency: Figure | None
    latency_share: float
    memory: Figure
    memory_share: float
    peak: bool


class Layers(Value):
    """The rows in the order of execution, and what belongs to no operator.

    `left_out` sums up the rows that are not shown; it is empty if all are shown.
    """

    rows: tuple[LayerRow, ...]
    other: Figure
    other_percent: str
    other_share: float
    total: Figure
    macs: str
    latency: Figure | None
    latency_reason: str
    latency_words: str
    left_out: str
    peak: Figure
    peak_row: LayerRow | None


class Skyline(Value):
    """The memory held while each operator runs: a filled path, and the place of the peak."""

    width: float
    height: float
    frame: tuple[float, float, float, float]
    path: str
    y_ticks: tuple[Tick, ...]
    x_ticks: tuple[Tick, ...]
    unit: str
    peak: tuple[float, float]
    peak_text: str
    peak_anchor: str
    peak_x: float


def layers(inside: Insides) -> Layers | None:
    """The rows of a file; None where the file is missing."""
    parts = inside.parts
    if parts is None:
        return None
    times: list[Estimate | None] = list(inside.latencies) or [None] * len(parts.operators)
    largest = _Largest(
        flash_bytes=max((row.flash_bytes for row in parts.operators), default=0),
        latency_ms=max((time.value for time in times if time is not None), default=0.0),
        memory_bytes=parts.peak_bytes,
    )
    rows = tuple(_row(parts, row, time, largest) for row, time in zip(parts.operators, times, strict=True))
    shown = _heaviest(rows)
    return Layers(
        rows=tuple(rows[index] for index in shown),
        other=_bytes(parts.other_bytes),
        other_percent=_percent(parts.other_bytes, parts.flash_bytes),
        other_share=min(1.0, _share(parts.other_bytes, largest.flash_bytes)),
        total=_bytes(parts.flash_bytes),
        macs=count(parts.macs),
        latency=None if inside.latency_ms is None else Figure(text=_ms(inside.latency_ms), basis="predicted"),
        latency_reason=inside.latency_reason,
        latency_words=_latency_words(inside),
        left_out=_left_out(parts, times, shown),
        peak=_memory(parts.peak_bytes),
        peak_row=None if parts.peak_operator is None else rows[parts.peak_operator],
    )


def _latency_words(inside: Insides) -> str:
    """What the milliseconds are: the prediction of the whole, or the verdict's latency."""
    if inside.latency_ms is None or inside.predicted_ms is None:
        return WHOLE
    return (
        f"The milliseconds are the {format_ms(inside.latency_ms)} of the whole, {inside.latency_basis}, shared out as they are "
        f"predicted for each operator; the prediction of the whole was {format_ms(inside.predicted_ms)}."
    )


class _Largest(Value):
    flash_bytes: int
    latency_ms: float
    memory_bytes: int


def _row(parts: Breakdown, row: OperatorRow, time: Estimate | None, largest: _Largest) -> LayerRow:
    return LayerRow(
        number=row.index + 1,
        label=row.label,
        operator=row.name,
        shape=", ".join("×".join(map(str, shape)) or "scalar" for shape in row.output_shapes),
        arithmetic="" if row.dtype == "other" else row.dtype,
        macs=count(row.macs) if row.macs else "",
        bytes=_bytes(row.flash_bytes),
        bytes_share=_share(row.flash_bytes, largest.flash_bytes),
        percent=_percent(row.flash_bytes, parts.flash_bytes),
        latency=None if time is None else _time(time),
        latency_share=0.0 if time is None else _share(time.value, largest.latency_ms),
        memory=_memory(row.memory_bytes),
        memory_share=_share(row.memory_bytes, largest.memory_bytes),
        peak=row.index == parts.peak_operator,
    )


def _heaviest(rows: Sequence[LayerRow]) -> list[int]:
    """Which rows to show, in the order of execution: the one at the peak, then the largest in bytes or milliseconds."""
    order = sorted(
        range(len(rows)),
        key=lambda index: (not rows[index].peak, -max(rows[index].bytes_share, rows[index].latency_share), index),
    )
    return sorted(order[:MOST_ROWS])


def _left_out(parts: Breakdown, times: Sequence[Estimate | None], shown: Sequence[int]) -> str:
    rest = sorted(set(range(len(parts.operators))) - set(shown))
    if not rest:
        return ""
    size = format_size(sum(parts.operators[index].flash_bytes for index in rest))
    known = [time.value for index in rest if (time := times[index]) is not None]
    return f"{len(rest)} lighter operators: {size}" + (f", {format_ms(sum(known))} predicted" if known else "")


def _bytes(size: int) -> Figure:
    return Figure(text=format_size(size), basis="measured")


def _memory(size: int) -> Figure:
    return Figure(text=format_size(size), basis="predicted")


def _time(time: Estimate) -> Figure:
    return Figure(
        text=_ms(time.value),
        detail=interval("latency", time.low, time.high, "ms") if time.low < time.high else "",
        basis="predicted",
    )


def _ms(value: float) -> str:
    return figure("latency", value, "ms")


def _share(value: float, of: float) -> float:
    return round(value / of, 4) if of > 0 else 0.0


def _percent(value: int, of: int) -> str:
    return f"{100 * value / of:.1f}%" if of else ""


def skyline(held: Sequence[int], peak: int | None, *, width: float, height: float) -> Skyline | None:
    """The picture of a file's memory, the bytes `held` at each step; None if there are no operators, and so no peak."""
    if len(held) < 2 or peak is None or not held[peak]:
        return None
    left, top, right, bottom = _SKYLINE[0], _SKYLINE[2], width - _SKYLINE[1], height - _SKYLINE[3]
    up = axis([held[peak]], "B", from_zero=True, count=3)
    steps = _binned(held)
    step = (right - left) / len(steps)

    def y(value: float) -> float:
        return round(bottom - up.share(value) * (bottom - top), 1)

    path = f"M{left:g} {bottom:g}" + "".join(
        f"V{y(value):g}H{left + step * (index + 1):.1f}" for index, value in enumerate(steps)
    )
    x = left + (peak + 0.5) / len(held) * (right - left)
    is_left = x < (left + right) / 2
    return Skyline(
        width=width,
        height=height,
        frame=(left, top, right, bottom),
        path=f"{path}V{bottom:g}Z",
        y_ticks=tuple(Tick(at=y(tick * up.divisor), text=text) for tick, text in up.ticks),
        x_ticks=_operator_ticks(len(held), left, right),
        unit=up.unit,
        peak=(round(x, 1), y(held[peak])),
        peak_text=f"operator {peak + 1}: {format_size(held[peak])}",
        peak_anchor="start" if is_left else "end",
        peak_x=round(x + (8 if is_left else -8), 1),
    )


def _binned(held: Sequence[int]) -> list[int]:
    """At most `_BINS` steps, each the largest of those that it replaces."""
    size = -(-len(held) // _BINS)
    return [max(held[start : start + size]) for start in range(0, len(held), size)]


def _operator_ticks(number: int, left: float, right: float) -> tuple[Tick, ...]:
    """The numbers of a few operators, in the middle of their steps."""
    step = max(
        1, next(each for each in (1, 2, 5, 10, 20, 50, 100, 200, 500, 10**3, 10**4, 10**9) if number / each <= 10)
    )
    places = [1, *range(step, number + 1, step)] if step > 1 else list(range(1, number + 1))
    return tuple(Tick(at=round(left + (place - 0.5) / number * (right - left), 1), text=str(place)) for place in places)
