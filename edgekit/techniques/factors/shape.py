"""The sizes of a kernel and of its factors, and when factors cost less than the whole. Arithmetic alone: no weights are looked at.

    svd, spatial:  (h, w, in, out) = (h, 1, in, r) then (1, w, r, out)         r * (h * in + w * out) weights
    tucker:        (h, w, in, out) = (1, 1, in, r), (h, w, r, s), (1, 1, s, out)   r * in + h * w * r * s + s * out weights

The first is a truncated singular value decomposition, of a matrix of h * in rows and w * out columns. Of a dense layer or a
convolution of one point it is called svd; of a larger one spatial (Jaderberg, Vedaldi and Zisserman, arXiv 1405.3866). The
second is Tucker-2 (Kim et al., arXiv 1511.06530).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

from edgekit.cost.flash import CHANNEL_BYTES, OPERATOR_BYTES

Form = Literal["svd", "spatial", "tucker"]
LEAST_RANK = 8
"""No rank is smaller: kernels of the runtimes compute eight channels or so at a time, and a layer of fewer directions loses its task."""
MOST_OF_LEAST = 0.5
"""A kernel of which the least rank takes more than this share of the weights stays whole: a kernel that is thin, such as a classifier's."""
USUAL = 1
"""The place of the usual estimate among the low, usual and high ones of `cost/flash.py`."""


class Shape(NamedTuple):
    """A kernel's window (1 by 1 for a dense layer; k by 1 for a convolution along one axis), its input channels and its filters."""

    height: int
    width: int
    given: int
    made: int

    @property
    def weights(self) -> int:
        """How many weights it has."""
        return math.prod(self)

    @property
    def is_point(self) -> bool:
        """Whether each output reads one place of the input alone."""
        return self.height == self.width == 1

    @property
    def row(self) -> int:
        """The weights that one more rank of a pair of factors takes."""
        return self.height * self.given + self.width * self.made


class Factors(NamedTuple):
    """How a kernel is factorised: the form, and its rank, or the two ranks of Tucker-2."""

    form: Form
    ranks: tuple[int, ...]

    def shapes(self, whole: Shape) -> tuple[Shape, ...]:
        """The kernels of the factors, in the order in which they run.

        >>> Factors("spatial", (16,)).shapes(Shape(3, 3, 64, 128))
        (Shape(height=3, width=1, given=64, made=16), Shape(height=1, width=3, given=16, made=128))
        """
        height, width, given, made = whole
        if self.form == "tucker":
            first, last = self.ranks
            return Shape(1, 1, given, first), Shape(height, width, first, last), Shape(1, 1, last, made)
        (rank,) = self.ranks
        return Shape(height, 1, given, rank), Shape(1, width, rank, made)

    def weights(self, whole: Shape) -> int:
        """The weights of all factors together."""
        return sum(one.weights for one in self.shapes(whole))


def shape_of(kernel: Sequence[int]) -> Shape:
    """The sizes of a Keras kernel: of a dense layer (in, out), of a convolution along one axis (k, in, out) or two (h, w, in, out).

    >>> shape_of((5, 16, 32))
    Shape(height=5, width=1, given=16, made=32)
    """
    *window, given, made = kernel
    height, width = (*window, 1, 1)[:2]
    return Shape(height, width, given, made)


def forms(whole: Shape, form: str) -> tuple[Form, ...]:
    """The forms that a setting allows for a kernel: "best" allows all, another one is for windows, and a point has one form."""
    if whole.is_point:
        return ("svd",)
    allowed: dict[str, tuple[Form, ...]] = {
        "best": ("spatial", "tucker"),
        "spatial": ("spatial",),
        "tucker": ("tucker",),
    }
    return allowed.get(form, ())


def of_share(whole: Shape, form: Form, share: float) -> Factors | None:
    """The largest ranks whose factors have at most this share of the kernel's weights; None where that is no whole rank.

    The ranks of Tucker-2 are in the proportion of the channels.

    >>> of_share(Shape(1, 1, 128, 128), "svd", 0.5), of_share(Shape(3, 3, 64, 128), "tucker", 0.5)
    (Factors(form='svd', ranks=(32,)), Factors(form='tucker', ranks=(37, 74)))
    """
    if form != "tucker":
        rank = min(int(share * whole.weights / whole.row), full_rank(whole))
        return Factors(form, (rank,)) if rank else None
    larger = max(whole.given, whole.made)
    found = None
    for step in range(1, larger + 1):
        ranks = tuple(max(1, channels * step // larger) for channels in (whole.given, whole.made))
        if Factors(form, ranks).weights(whole) > share * whole.weights:
            break
        found = Factors(form, ranks)
    return found


def least(whole: Shape, form: Form) -> Factors:
    """The factors of the least rank, for shares that would leave less.

    >>> least(Shape(1, 1, 128, 128), "svd"), least(Shape(3, 3, 64, 128), "tucker")
    (Factors(form='svd', ranks=(8,)), Factors(form='tucker', ranks=(8, 16)))
    """
    smaller = min(whole.given, whole.made)
    if form != "tucker":
        return Factors(form, (LEAST_RANK,))
    return Factors(form, (LEAST_RANK * whole.given // smaller, LEAST_RANK * whole.made // smaller))


def is_thin(whole: Shape, form: Form) -> bool:
    """Whether the factors of the least rank take more than half of a kernel's weights.

    >>> is_thin(Shape(1, 1, 128, 128), "svd"), is_thin(Shape(1, 1, 128, 10), "svd")
    (False, True)
    """
    return least(whole, form).weights(whole) > MOST_OF_LEAST * whole.weights


def full_rank(whole: Shape) -> int:
    """The rank at which a pair of factors is the kernel itself."""
    return min(whole.height * whole.given, whole.width * whole.made)


def break_even(whole: Shape) -> int:
    """The largest rank at which a pair of factors takes fewer bytes of an int8 file than the whole kernel; 0 where none does.

    A rank takes its weights and a scale, and the second factor an operator.

    >>> break_even(Shape(1, 1, 128, 128)), break_even(Shape(1, 1, 128, 8)), break_even(Shape(3, 3, 16, 16))
    (61, 5, 20)
    """
    spare = whole.weights - OPERATOR_BYTES[USUAL] - 1
    return max(0, spare // (whole.row + CHANNEL_BYTES[USUAL]))


def in_bytes(whole: Shape, factors: Factors) -> int:
    """What factors take of an int8 file in the place of the whole kernel: their weights, and the scales and operators that they add."""
    scales = sum(one.made for one in factors.shapes(whole)[:-1]) * CHANNEL_BYTES[USUAL]
    return factors.weights(whole) + scales + len(factors.ranks) * OPERATOR_BYTES[USUAL]


def pays(whole: Shape, factors: Factors) -> bool:
    """Whether factors take fewer bytes of an int8 file than the whole kernel; no rank is below the least, and a thin kernel stays whole."""
    allowed = min(factors.ranks) >= LEAST_RANK and not is_thin(whole, factors.form)
    return allowed and in_bytes(whole, factors) < whole.weights
