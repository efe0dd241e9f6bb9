"""Which factors a kernel gets: known from its sizes alone where a share of the weights is asked for, else from its weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from edgekit.techniques.factors import pair, tucker
from edgekit.techniques.factors.shape import LEAST_RANK, Factors, Form, Shape, forms, least, of_share, pays, shape_of

if TYPE_CHECKING:
    import numpy as np


class Made(NamedTuple):
    """A kernel's factors as arrays (h, w, in, out), in the order in which they run, and the share of the energy that they keep."""

    factors: Factors
    kernels: tuple[np.ndarray, ...]
    kept: float


def planned(whole: Shape, form: str, left: float) -> tuple[Factors, ...]:
    """The factors of each allowed form with at most this share of the weights, where they pay; of the least rank where the share is less.

    So a smaller share never leaves a kernel with more of its weights than a larger one does.
    """
    found = (asked_for(whole, one, left) for one in forms(whole, form))
    return tuple(one for one in found if pays(whole, one))


def asked_for(whole: Shape, form: Form, left: float) -> Factors:
    """The factors of one form with at most this share of the weights, whether or not they pay; of the least rank where the share is less."""
    found = of_share(whole, form, left)
    return least(whole, form) if found is None or min(found.ranks) < LEAST_RANK else found


def by_share(kernel: np.ndarray, form: str, left: float) -> Made | None:
    """Of the planned factors of a Keras kernel, those that keep the most of its energy; None where none pay."""
    whole = shape_of(kernel.shape)
    options = [made_of(kernel.reshape(whole), one) for one in planned(whole, form, left)]
    return max(options, key=lambda one: one.kept, default=None)


def by_energy(kernel: np.ndarray, form: str, energy: float) -> Made | None:
    """Of the factors of a Keras kernel that keep this share of its energy, those with the fewest weights; None where none pay."""
    whole = shape_of(kernel.shape)
    ranked = [_of_energy(kernel.reshape(whole), one, energy) for one in forms(whole, form)]
    paying = [one for one in ranked if pays(whole, one)]
    return made_of(kernel.reshape(whole), min(paying, key=lambda one: one.weights(whole))) if paying else None


def _of_energy(kernel: np.ndarray, form: Form, energy: float) -> Factors:
    """The ranks that keep the energy, and none below the least where the kernel has so many."""
    if form == "tucker":
        found, sizes = tucker.ranks_of(tucker.sides(kernel), energy), kernel.shape[-2:]
        return Factors(form, tuple(max(rank, min(LEAST_RANK, size)) for rank, size in zip(found, sizes, strict=True)))
    spectrum = pair.spectrum(kernel)
    return Factors(form, (max(pair.rank_of(spectrum, energy), min(LEAST_RANK, len(spectrum.squares))),))


def made_of(kernel: np.ndarray, factors: Factors) -> Made:
    """The factors of a kernel (h, w, in, out) at their ranks."""
    if factors.form == "tucker":
        first, last = factors.ranks
        kernels, kept = tucker.factors(tucker.sides(kernel), (first, last))
        return Made(factors, kernels, kept)
    (rank,) = factors.ranks
    found = pair.spectrum(kernel)
    return Made(factors, pair.factors(found, rank), pair.kept(found, rank))
