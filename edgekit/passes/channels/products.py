"""Products of two values, as in attention: over which axes their sums run, and what that does with channels.

Two values whose channels a sum runs over are matched, as query and key are: channel by channel of each head, and no channel is left. Or the channels
of one are carried through, as those of the value are: a sum over places leaves each channel by itself, and the other factor is only what they are weighed with.
"""

from __future__ import annotations

import string
from typing import NamedTuple

import numpy as np

from edgekit.keras_graph.call_graph import flat
from edgekit.keras_graph.flat_graph import Call, Value, values_in
from edgekit.passes.channels.laid import Laid, places
from edgekit.passes.kinds import kind


class Product(NamedTuple):
    """The two factors, and a letter for each axis of each and of the outcome, without the batch; letters of both factors that the outcome lacks are summed over."""

    one: Value
    other: Value
    axes: tuple[str, str]
    made: str

    @property
    def turned(self) -> Product:
        """The same with its factors exchanged."""
        return Product(self.other, self.one, self.axes[::-1], self.made)


def product_of(call: Call) -> Product | None:
    """The product that a call is; None for another call, and where a factor is a constant."""
    factors = [part for part in flat(list(call.args)) if isinstance(part, Value)]
    if len(factors) != 2 or any(values_in(dict(call.kwargs))) or len(call.inputs) != 2 or len(call.outputs) != 1:
        return None
    one, other = factors
    letters = _letters(call, len(one.shape), len(other.shape))
    return None if letters is None else Product(one, other, letters[:2], letters[2])


def matched(product: Product, one: Laid, other: Laid) -> tuple[np.ndarray, np.ndarray] | None:
    """Pairs of channels that are multiplied with each other, of factors that lie so; None where not all sums run over the channels of both in each section."""
    left, right = product.axes
    summed = [letter for letter in left if letter in right and letter not in product.made]
    if len(summed) != 1 or not (one.narrows(left.index(summed[0])) and other.narrows(right.index(summed[0]))):
        return None
    for letter in set(left) & set(right):
        first, second = one.axes[left.index(letter)], other.axes[right.index(letter)]
        if first != second and first and second:  # an axis of one is the same for all of the other
            return None
    letters = "".join(dict.fromkeys(left + right))
    pairs = np.broadcast_arrays(one.spread(left, letters), other.spread(right, letters))
    return pairs[0].reshape(-1), pairs[1].reshape(-1)


def carried(product: Product, one: Laid) -> Laid | None:
    """How the outcome lies, of the channels of the first factor alone; None where a sum runs over them, their order changes, or the other factor would have to become smaller too."""
    own = dict(zip(product.axes[0], one.axes, strict=True))
    if any(atom.is_channels for letter, axis in own.items() if letter not in product.made for atom in axis):
        return None
    if product.axes[0][one.narrowing[0]] in product.axes[1]:
        return None
    sizes = dict(zip(product.axes[1], product.other.shape, strict=True))
    axes = [own.get(letter) or places(sizes.get(letter) or 1) for letter in product.made]
    holding = [letter for letter in product.made if any(atom.is_channels for atom in own.get(letter, ()))]
    return Laid(tuple(axes)) if holding == sorted(holding, key=product.axes[0].index) else None


def _letters(call: Call, one: int, other: int) -> tuple[str, str, str] | None:
    """The letters of both factors and of the outcome, by the number of axes of the factors."""
    if kind(call) == "Matmul" and min(one, other) > 1:
        stack = string.ascii_lowercase[: max(one, other) - 2]
        return stack[len(stack) - one + 2 :] + "XY", stack[len(stack) - other + 2 :] + "YZ", stack + "XZ"
    if kind(call) == "Einsum":
        return _of_einsum(str(call.operation.subscripts), (one, other))
    return None


def _of_einsum(subscripts: str, axes: tuple[int, int]) -> tuple[str, str, str] | None:
    """Those of two factors with the batch first, where no letter stands twice in one.

    >>> _of_einsum("bhqd,bhkd->bhqk", (3, 3))
    ('hqd', 'hkd', 'hqk')
    """
    given, _, made = subscripts.replace(" ", "").partition("->")
    one, _, other = given.partition(",")
    terms = (one, other, made)
    if not all(term.isalpha() and len(set(term)) == len(term) and term[0] == made[0] for term in terms):
        return None
    is_whole = (len(one) - 1, len(other) - 1) == axes and set(made) <= set(one + other)
    return (one[1:], other[1:], made[1:]) if is_whole else None
