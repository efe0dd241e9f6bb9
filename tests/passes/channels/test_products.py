"""Which axes a product sums over, and what becomes of the channels of its factors."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.keras_graph.flat_graph import Value
from edgekit.passes.channels.laid import Laid, plain
from edgekit.passes.channels.products import Product, carried, matched


def heads(places: int, number: int, size: int, order: tuple[int, int, int]) -> Laid:
    parted = plain((places, number * size)).reshaped((places, number, size))
    assert parted is not None
    found = parted.transposed(order)
    assert found is not None
    return found


def product(one: tuple[int, ...], other: tuple[int, ...], axes: tuple[str, str], made: str) -> Product:
    return Product(Value(one, "float32"), Value(other, "float32"), axes, made)


SCORES = product((2, 7, 3), (2, 3, 5), ("hqd", "hdk"), "hqk")


def test_query_and_key_are_matched_place_by_place_of_each_head() -> None:
    pairs = matched(SCORES, heads(7, 2, 3, (1, 0, 2)), heads(5, 2, 3, (1, 2, 0)))
    assert pairs is not None
    assert [one.tolist() for one in pairs] == [list(range(6))] * 2


def test_queries_of_several_heads_share_a_key() -> None:
    """Two heads of a query over one of a key: both are matched with it."""
    query = heads(7, 2, 3, (1, 0, 2))
    key = plain((5, 3)).transposed((1, 0))
    assert key is not None
    pairs = matched(product((2, 7, 3), (3, 5), ("hqd", "dk"), "hqk"), query, key)
    assert pairs is not None
    assert sorted(zip(*(one.tolist() for one in pairs), strict=True)) == [(place, place % 3) for place in range(6)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (plain((2, 7, 3)), heads(5, 2, 3, (1, 2, 0))),  # heads of one are places of the other
        (heads(7, 2, 3, (1, 0, 2)), plain((2, 3, 5))),  # the sum is over places of the other
    ],
)
def test_factors_of_other_sections_are_not_matched(one: Laid, other: Laid) -> None:
    assert matched(SCORES, one, other) is None


def test_a_value_is_carried_by_shares_of_its_places() -> None:
    mixed = product((2, 5, 3), (2, 7, 5), ("hkd", "hqk"), "hqd")
    after = carried(mixed, heads(5, 2, 3, (1, 0, 2)))
    assert after == heads(7, 2, 3, (1, 0, 2))
    assert carried(mixed, plain((2, 5, 3))) == plain((2, 7, 3)), "one channel of a place, whatever the batch"
    assert carried(product((2, 3, 5), (2, 7, 3), ("hdk", "hqd"), "hqk"), heads(5, 2, 3, (1, 2, 0))) is None, "summed up"


def test_heads_of_one_number_are_the_other_factors_too() -> None:
    """They would go from both, so none does."""
    single = plain((5, 2)).reshaped((5, 2, 1))
    assert single is not None
    turned = single.transposed((1, 0, 2))
    assert turned is not None and np.prod(turned.of(2)) == 10
    assert carried(product((2, 5, 1), (2, 7, 5), ("hkd", "hqk"), "hqd"), turned) is None
