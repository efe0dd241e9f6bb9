"""The picture of the candidates: labels that cover nothing."""

from __future__ import annotations

import itertools

from hypothesis import example, given, settings
from hypothesis import strategies as st

from edgekit.emit.html import placing
from edgekit.emit.html.placing import Box, around
from edgekit.emit.html.scatter import FONT_SIZE, LETTER_WIDTH, Point, scatter

SIZES = st.floats(1e3, 2e5)
SCORES = st.floats(0.5, 1.0)
ROUNDED = 0.1
"""Places are drawn to a tenth of a pixel."""
MEETS = Box.meets


@settings(max_examples=40, deadline=None)
@example([(1000.0, 0.5), (198153.0, 0.90625), (182022.0, 0.96875)], (328.0, 312.0))
@given(st.lists(st.tuples(SIZES, SCORES), min_size=1, max_size=25), st.sampled_from([(720.0, 360.0), (328.0, 312.0)]))
def test_no_label_covers_another_a_point_or_the_edge(values, size):
    points = [
        Point(number=index, name=f"candidate_{index}+int8", kind="pass", size=flash, accuracy=score, front=index == 1)
        for index, (flash, score) in enumerate(values, start=1)
    ]
    width, height = size
    found = scatter(
        points, width=width, height=height, size_unit="B", accuracy_unit="%", size_limit=(1e5, "limit 97.7 KiB")
    )
    boxes = [
        Box(
            mark.label_x,
            mark.label_y - FONT_SIZE + 2,
            mark.label_x + len(mark.label) * FONT_SIZE * LETTER_WIDTH - ROUNDED,
            mark.label_y + 2 - ROUNDED,
        )
        for mark in found.marks
        if mark.label_x is not None
    ]
    assert not any(one.meets(other) for one, other in itertools.combinations(boxes, 2))
    assert all(box.within(Box(0, 0, width, height)) for box in boxes)
    marks = [around(mark.x, mark.y, 4) for mark in found.marks]
    assert not any(box.meets(mark) for box in boxes for mark in marks)
    left, top, right, bottom = found.frame
    assert all(left <= mark.x <= right and top <= mark.y <= bottom for mark in found.marks)


def test_few_candidates_have_their_names_and_many_their_numbers():
    def labels(number: int) -> list[str]:
        points = [
            Point(number=n, name="int8", kind="pass", size=1000.0 * n, accuracy=0.9 + n / 1000, front=False)
            for n in range(1, number + 1)
        ]
        found = scatter(points, width=720, height=360, size_unit="B", accuracy_unit="%")
        return [mark.label for mark in found.marks]

    assert labels(3) == ["1 int8", "2 int8", "3 int8"]
    assert labels(25) == [str(n) for n in range(1, 26)]


def test_of_many_candidates_some_are_numbered_the_chosen_one_among_them(monkeypatch):
    """The work grows with the candidates and not with their square: only those with a number are held against others."""
    asked = []
    monkeypatch.setattr(Box, "meets", lambda self, other: asked.append(1) or MEETS(self, other))
    points = [
        Point(number=n, name=f"c{n}", kind="chosen" if n == 3000 else "pass", size=n % 71, accuracy=n % 53, front=False)
        for n in range(1, 3001)
    ]
    picture = scatter(points, width=720, height=360, size_unit="B", accuracy_unit="%")
    assert len(picture.marks) == 3000 and 0 < sum(mark.label_x is not None for mark in picture.marks) <= 60
    places = len(placing._DISTANCES) * len(placing._DIRECTIONS)
    assert 0 < len(asked) <= 60 * places * 2 * 60, "60 marks and 60 labels, at each place of each label"
    assert next(mark for mark in picture.marks if mark.point.number == 3000).label_x is not None
