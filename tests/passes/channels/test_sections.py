"""As many channels stay in each section: classes are put together only until they are in all sections alike."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edgekit.keras_graph.flat_graph import Value
from edgekit.passes.channels.alike import STAYS
from edgekit.passes.channels.sections import Sections, even_dead, even_out

SECTIONS = st.integers(2, 4).flatmap(
    lambda number: st.tuples(
        st.just(number),
        st.integers(1, 6).flatmap(
            lambda size: st.lists(st.integers(0, 9), min_size=number * size, max_size=number * size)
        ),
    )
)


def evened(*given: tuple[list[int], int]) -> list[list[int]]:
    """The classes of values with so many sections each, evened out."""
    values = [Value((len(found),), "float32") for found, _ in given]
    classes = {value: np.array(found) for value, (found, _) in zip(values, given, strict=True)}
    even_out(classes, [Sections(value, number) for value, (_, number) in zip(values, given, strict=True)])
    return [found.tolist() for found in classes.values()]


def counts(found: list[int], number: int) -> dict[int, list[int]]:
    """By class the channels that it has in each section; without the class that stays."""
    rows = np.array(found).reshape(number, -1)
    return {one: (rows == one).sum(axis=1).tolist() for one in set(found) - {STAYS}}


def test_the_first_of_each_section_go_together() -> None:
    assert evened(([1, 2, 3, 4, 5, 6], 2)) == [[1, 2, 3, 1, 2, 3]]
    assert evened(([1, 2, 1, 2, 3, 3], 3)) == [[1, 1, 1, 1, 1, 1]], (
        "one class has its channels in two sections, one in the third"
    )


def test_what_is_alike_already_stays_as_it_is() -> None:
    assert evened(([1, 2, 1, 2], 2)) == [[1, 2, 1, 2]]
    assert evened(([1, STAYS, STAYS, 1], 2)) == [[1, STAYS, STAYS, 1]]


def test_rows_that_do_not_divide_the_groups_are_put_together_by_what_they_have_in_each() -> None:
    """A shuffle of three rows of eight before three groups of eight: two rows lie in two groups each, and go with each other."""
    (found,) = evened((np.repeat(np.arange(1, 9), 3).tolist(), 3))
    assert found[::3] == [1, 2, 3, 1, 2, 3, 1, 2]


def test_what_is_left_over_stays() -> None:
    """A channel whose only partner cannot go; where two could be its partner, the other one stays."""
    assert evened(([1, 2, 3, STAYS], 2)) == [[1, STAYS, 1, STAYS]]


def test_channels_of_one_kind_go_together_in_all_values() -> None:
    """Those of a second value, wherever they are in the first."""
    first, second = evened(([1, 2, 3, 4], 2), ([1, 3], 1))
    assert first == [1, 2, 1, 2] and second == [1, 1]
    first, second = evened(([1, 4, 3, 2], 2), ([1, 2], 1))
    assert first == [1, 3, 3, 1] and second == [1, 1], "by kind, and not by place"


@given(SECTIONS, st.integers(2, 4))
def test_in_the_end_each_class_is_in_all_sections_alike(one: tuple[int, list[int]], other: int) -> None:
    """Also in a second value that has the same classes in another order, and classes are only put together."""
    number, given_classes = one
    turned = given_classes[::-1] * other
    first, second = evened((given_classes, number), (turned, other))
    for found, sections in ((first, number), (second, other)):
        assert all(len(set(own)) == 1 for own in counts(found, sections).values())
    instead = dict(zip(given_classes, first, strict=True))
    assert first == [instead[own] for own in given_classes] and second == [instead[own] for own in turned]
    assert all(instead[own] == STAYS for own in given_classes if own == STAYS)


def test_of_dead_channels_each_section_loses_as_many() -> None:
    dead = np.array([True, False, True, True, True, True, False, False, True])
    even_dead(dead, 3)
    assert dead.tolist() == [True, False, False, True, False, False, False, False, True]
    even_dead(dead, 1)
    assert dead.sum() == 3
