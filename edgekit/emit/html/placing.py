"""Places the labels of a chart's points so that none covers another, a point or the edge.

It knows rectangles, not texts. Places are tried from near to far, in a fixed order: the same points
always get the same labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

_DISTANCES = (0, 8, 16, 26, 38, 52, 68, 86)
_DIRECTIONS = ((1, 0), (1, -1), (1, 1), (0, -1), (0, 1), (-1, 0), (-1, -1), (-1, 1))
_GAP = 3.0  # between a point's mark and its label


class Box(NamedTuple):
    """A rectangle, by its edges."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        """Whether two rectangles overlap."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )  # fmt: skip

    def within(self, other: Box) -> bool:
        """Whether it is completely inside another."""
        return (
            self.left >= other.left
            and self.top >= other.top
            and self.right <= other.right
            and self.bottom <= other.bottom
        )  # fmt: skip


class Place(NamedTuple):
    """A label's box, and whether it is so far from its point that a line must connect the two."""

    box: Box
    far: bool


def around(x: float, y: float, radius: float) -> Box:
    """The square around a point."""
    return Box(x - radius, y - radius, x + radius, y + radius)


def place(
    points: Sequence[tuple[float, float]],
    sizes: Sequence[tuple[float, float]],
    *,
    area: Box,
    radius: float,
    taken: Sequence[Box] = (),
) -> list[Place | None]:
    """A place for the label of each point, by the label's (width, height); None if there is no room.

    The first points choose first. `radius` is that of the points' marks; `taken` are boxes that are already used.
    """
    marks = [around(x, y, radius) for x, y in points]
    used = list(taken)
    found: list[Place | None] = []
    for (x, y), size in zip(points, sizes, strict=True):
        place = _first_free(x, y, size, radius, area, [*marks, *used])
        if place is not None:
            used.append(place.box)
        found.append(place)
    return found


def _first_free(
    x: float, y: float, size: tuple[float, float], radius: float, area: Box, used: Sequence[Box]
) -> Place | None:
    for distance in _DISTANCES:
        for across, down in _DIRECTIONS:
            box = _box(x, y, size, across, down, radius + _GAP + distance)
            if box.within(area) and not any(box.meets(other) for other in used):
                return Place(box, far=distance > 0)
    return None


def _box(x: float, y: float, size: tuple[float, float], across: int, down: int, distance: float) -> Box:
    """The label's box at a distance in one of eight directions."""
    width, height = size
    reach = distance if not (across and down) else distance * 0.75
    middle_x = x + across * (reach + width / 2)
    middle_y = y + down * (reach + height / 2)
    return Box(middle_x - width / 2, middle_y - height / 2, middle_x + width / 2, middle_y + height / 2)
