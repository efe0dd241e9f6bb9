"""Accuracy against size as a picture: the places of each candidate's mark and label, the axes and the Pareto front.

It knows only numbers, names and the size of the picture; candidates were judged before. Everything is in the units of
the picture's viewBox, and letters are assumed to be as wide as those of a monospaced font.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from edgekit.emit.html.axis import Axis, axis
from edgekit.emit.html.placing import Box, Place, place
from edgekit.values import Value

Kind = Literal["control", "fail", "pass", "baseline-fail", "baseline", "chosen-fail", "chosen"]
LETTER_WIDTH = 0.61  # of a monospaced font, relative to its size (DejaVu Sans Mono 0.602, Courier 0.600)
FONT_SIZE = 12.0
_LINE = 15.0  # the height of a label
_RADIUS = 6.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 16.0, 42.0, 40.0
_INSET = 10.0  # between the frame and the outermost values, so that no mark is cut off
LARGEST = 1e18  # larger byte counts, as in a damaged report, are not drawn
_NAMED = 10  # with more candidates, names would hide the points
_NUMBERED = 60  # with more, numbers would hide them too; the table and the tooltips have the names


class Point(Value):
    """A candidate with a size and an accuracy; `number` is its row in the table, `told` its figures in words."""

    number: int
    name: str
    kind: Kind
    size: float
    accuracy: float
    front: bool
    told: str = ""


class Mark(Value):
    """A point as drawn; `leader` is the end of the line to a label that is not right beside it."""

    point: Point
    x: float
    y: float
    label: str
    label_x: float | None
    label_y: float | None
    leader: tuple[float, float] | None

    @property
    def on_top(self) -> int:
        """The drawing order: the chosen candidate comes last, so that nothing covers it."""
        return get_args(Kind).index(self.point.kind)


class Tick(Value):
    """A place on an axis and its text."""

    at: float
    text: str


class Line(Value):
    """A limit, as a line across the picture with its text."""

    at: float
    text: str
    text_x: float
    text_y: float
    anchor: Literal["start", "end"]


class Scatter(Value):
    """The picture: its size, the frame, and all that is drawn in it."""

    width: float
    height: float
    frame: tuple[float, float, float, float]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    x_unit: str
    y_unit: str
    marks: tuple[Mark, ...]
    front: str
    size_limit: Line | None
    accuracy_limit: Line | None


def scatter(
    points: Sequence[Point],
    *,
    width: float,
    height: float,
    size_unit: str,
    accuracy_unit: str,
    size_limit: tuple[float, str] | None = None,
    accuracy_limit: tuple[float, str] | None = None,
) -> Scatter:
    """The picture of one or more points; limits are drawn with their text if they are near enough."""
    frame = Box(_LEFT, _TOP, width - _RIGHT, height - _BOTTOM)
    inner = Box(frame.left + _INSET, frame.top + _INSET, frame.right - _INSET, frame.bottom - _INSET)
    wide = width > 500
    near = _near(size_limit and size_limit[0], [point.size for point in points])
    accuracies = [point.accuracy for point in points]
    across = axis([*(point.size for point in points), *near], size_unit, from_zero=True, count=6 if wide else 4)
    cap = 1.0 if accuracy_unit == "%" else None
    low_limit = _in_sight(accuracy_limit and accuracy_limit[0], accuracies)
    down = axis([*accuracies, *low_limit], accuracy_unit, from_zero=False, cap=cap, count=5)
    at = [(_x(across, inner, point.size), _y(down, inner, point.accuracy)) for point in points]
    lines = (
        _size_line(_x(across, inner, near[0]), size_limit[1], frame) if near and size_limit else None,
        _accuracy_line(_y(down, inner, low_limit[0]), accuracy_limit[1], frame)
        if low_limit and accuracy_limit
        else None,
    )
    corners = _corners(points, at)
    taken = [*_steps(corners, frame), *_limit_boxes(lines[0], lines[1], frame)]
    labels, places = _labels(points, at, frame, taken, named=wide)
    return Scatter(
        width=width,
        height=height,
        frame=(frame.left, frame.top, frame.right, frame.bottom),
        x_ticks=tuple(Tick(at=_x(across, inner, tick * across.divisor), text=text) for tick, text in across.ticks),
        y_ticks=tuple(Tick(at=_y(down, inner, tick * down.divisor), text=text) for tick, text in down.ticks),
        x_unit=across.unit,
        y_unit=down.unit,
        marks=tuple(map(_mark, points, at, labels, places)),
        front=_front(corners, frame),
        size_limit=lines[0],
        accuracy_limit=lines[1],
    )


def _x(across: Axis, inner: Box, value: float) -> float:
    return round(inner.left + across.share(value) * (inner.right - inner.left), 1)


def _y(down: Axis, inner: Box, value: float) -> float:
    return round(inner.bottom - down.share(value) * (inner.bottom - inner.top), 1)


def _near(limit: float | None, sizes: list[float]) -> list[float]:
    """The size limit, if the axis is to reach it: a limit far beyond the points would press them all into a corner."""
    return [limit] if limit is not None and limit <= 1.5 * max(sizes) else []


def _in_sight(limit: float | None, accuracies: list[float]) -> list[float]:
    """The limit, if it is near the points: no farther away than their spread, or than 2% of its own value."""
    if limit is None:
        return []
    spread = max(accuracies) - min(accuracies)
    away = max(0.0, min(accuracies) - limit, limit - max(accuracies))
    return [limit] if away <= max(spread, 0.02 * abs(limit)) else []


def _size_line(x: float, text: str, frame: Box) -> Line:
    """A line from top to bottom, with its text above the frame."""
    fits_right = x + _width(text) <= frame.right
    return Line(at=x, text=text, text_x=x, text_y=frame.top - 6, anchor="start" if fits_right else "end")


def _accuracy_line(y: float, text: str, frame: Box) -> Line:
    """A line across, with its text above it or, near the top, below."""
    above = y - 5 - _LINE >= frame.top
    return Line(at=y, text=text, text_x=frame.left + 5, text_y=y - 5 if above else y + 13, anchor="start")


def _limit_boxes(across: Line | None, down: Line | None, frame: Box) -> list[Box]:
    """The limits' lines and texts, which no label may cover."""
    boxes = [_box_of(line) for line in (across, down) if line is not None]
    boxes += [Box(across.at - 1, frame.top, across.at + 1, frame.bottom)] if across else []
    return boxes + ([Box(frame.left, down.at - 1, frame.right, down.at + 1)] if down else [])


def _box_of(line: Line) -> Box:
    left = line.text_x if line.anchor == "start" else line.text_x - _width(line.text)
    return Box(left - 2, line.text_y - FONT_SIZE, left + _width(line.text) + 2, line.text_y + 4)


def _labels(
    points: Sequence[Point], at: list[tuple[float, float]], frame: Box, taken: list[Box], *, named: bool
) -> tuple[list[str], list[Place | None]]:
    """Number and name beside each point if there is room for all of them, else only the numbers.

    The labels of the chosen candidate and of those on the front are placed first.
    """
    order = sorted(
        range(len(points)), key=lambda index: (not points[index].kind.startswith("chosen"), not points[index].front)
    )
    ways = [[str(point.number) for point in points]]
    if named and len(points) <= _NAMED:
        ways.insert(0, [f"{point.number} {point.name}" for point in points])
    for labels in ways:
        first = order[:_NUMBERED]
        sizes = [(_width(labels[index]), _LINE) for index in first]
        found = place([at[index] for index in first], sizes, area=frame, radius=_RADIUS, taken=taken)
        if None not in found:
            break
    by_point = dict(zip(first, found, strict=True))
    return labels, [by_point.get(index) for index in range(len(points))]


def _width(text: str) -> float:
    return len(text) * FONT_SIZE * LETTER_WIDTH


def _mark(point: Point, at: tuple[float, float], label: str, place: Place | None) -> Mark:
    x, y = at
    if place is None:
        return Mark(point=point, x=x, y=y, label=label, label_x=None, label_y=None, leader=None)
    box = place.box
    nearest = (min(max(x, box.left), box.right), min(max(y, box.top + 2), box.bottom - 2))
    return Mark(
        point=point,
        x=x,
        y=y,
        label=label,
        label_x=round(box.left, 1),
        label_y=round(box.bottom - 4, 1),
        leader=(round(nearest[0], 1), round(nearest[1], 1)) if place.far else None,
    )


def _corners(points: Sequence[Point], at: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The places of the points on the front, from left to right."""
    return sorted({place for place, point in zip(at, points, strict=True) if point.front})


def _front(corners: list[tuple[float, float]], frame: Box) -> str:
    """The front as a path of steps: the best accuracy for at most a given size."""
    if not corners:
        return ""
    steps = "".join(f"H{x:g}V{y:g}" for x, y in corners[1:])
    return f"M{corners[0][0]:g} {corners[0][1]:g}{steps}H{frame.right:g}"


def _steps(corners: list[tuple[float, float]], frame: Box) -> list[Box]:
    """The front's lines as narrow boxes, which no label may cover."""
    ends = [*corners[1:], (frame.right, corners[-1][1])] if corners else []
    across = [Box(x, y - 1, end, y + 1) for (x, y), (end, _) in zip(corners, ends, strict=True)]
    up = [Box(end - 1, min(y, top), end + 1, max(y, top)) for (_, y), (end, top) in zip(corners, ends, strict=True)]
    return across + up


def is_finite(*values: float | int | None) -> bool:
    """Whether all of them are numbers that can be drawn, neither infinite nor too large."""
    return all(value is not None and abs(value) <= LARGEST for value in values)
