"""A kernel as three, by Tucker-2: fewer input channels, the window over few channels, the output channels again. Of numpy arrays.

The bases begin with those of each side by itself and are found again in turns, each for what the other one leaves
(De Lathauwer, De Moor and Vandewalle, On the best rank-1 and rank-(R1, ..., RN) approximation, SIAM J. Matrix Anal. 21(4), 2000).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np

ROUNDS = 3
"""How often the bases are found again; a kernel's error falls by no thousandth after that."""


class Sides(NamedTuple):
    """A kernel (h * w, in, out) with the energy of the directions of its input side and of its output side, which fall."""

    kernel: np.ndarray
    given: np.ndarray
    made: np.ndarray
    window: tuple[int, int]


def sides(kernel: np.ndarray) -> Sides:
    """The two sides of a kernel (h, w, in, out), in float64."""
    import numpy as np

    height, width, given, made = kernel.shape
    taps = np.asarray(kernel, np.float64).reshape(height * width, given, made)
    return Sides(taps, _basis(_input_side(taps))[0], _basis(_output_side(taps))[0], (height, width))


def ranks_of(found: Sides, energy: float) -> tuple[int, int]:
    """The ranks at which each side loses at most half of what may be lost, so that together they keep at least this share of the energy."""
    return _rank(found.given, (1 + energy) / 2), _rank(found.made, (1 + energy) / 2)


def factors(found: Sides, ranks: tuple[int, int]) -> tuple[tuple[np.ndarray, np.ndarray, np.ndarray], float]:
    """The kernels (1, 1, in, r), (h, w, r, s) and (1, 1, s, out), and the share of the energy that they keep."""
    taps, (first, last) = found.kernel, ranks
    made = _basis(_output_side(taps))[1][:, :last]
    for _ in range(ROUNDS):
        given = _basis(_input_side(taps @ made))[1][:, :first]
        made = _basis(_output_side(given.T @ taps))[1][:, :last]
    core, whole = given.T @ taps @ made, float((taps**2).sum())
    share = float((core**2).sum()) / whole if whole else 1.0
    three = (given[None, None], core.reshape(*found.window, first, last), made.T[None, None])
    return three, share


def _input_side(taps: np.ndarray) -> np.ndarray:
    """The products of each two input channels, over places and filters."""
    import numpy as np

    return np.asarray((taps @ taps.transpose(0, 2, 1)).sum(axis=0))


def _output_side(taps: np.ndarray) -> np.ndarray:
    """The products of each two filters, over places and input channels."""
    import numpy as np

    return np.asarray((taps.transpose(0, 2, 1) @ taps).sum(axis=0))


def _basis(products: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The energy of each direction, and the directions as columns, the largest first."""
    import numpy as np

    values, vectors = np.linalg.eigh(products)
    return np.maximum(values[::-1], 0.0), vectors[:, ::-1]


def _rank(energies: np.ndarray, share: float) -> int:
    whole = float(energies.sum())
    return next((rank for rank in range(1, len(energies)) if energies[:rank].sum() >= share * whole), len(energies))
