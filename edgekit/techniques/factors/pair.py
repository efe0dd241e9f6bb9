"""A kernel as two: a truncated singular value decomposition. Of numpy arrays; nothing is known of layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np

LEAST_SCALE = 1e-6
"""Singular values below this share of the largest count as that when the factors are balanced, so that nothing is divided by zero."""


class Spectrum(NamedTuple):
    """A kernel (h, w, in, out) as a matrix (h * in, w * out), with the squared singular values that fall, and the singular vectors.

    The vectors are columns: of the side that is shorter, which `by_rows` tells.
    """

    matrix: np.ndarray
    squares: np.ndarray
    vectors: np.ndarray
    by_rows: bool
    shape: tuple[int, ...]


def spectrum(kernel: np.ndarray) -> Spectrum:
    """The spectrum of a kernel (h, w, in, out), in float64, from the products of its shorter side: quicker than a decomposition of the whole."""
    import numpy as np

    height, width, given, made = kernel.shape
    matrix = np.asarray(kernel, np.float64).transpose(0, 2, 1, 3).reshape(height * given, width * made)
    by_rows = matrix.shape[0] <= matrix.shape[1]
    values, vectors = np.linalg.eigh(matrix @ matrix.T if by_rows else matrix.T @ matrix)
    return Spectrum(matrix, np.maximum(values[::-1], 0.0), vectors[:, ::-1], by_rows, kernel.shape)


def kept(found: Spectrum, rank: int) -> float:
    """The share of the energy, the sum of the squared singular values, that a rank keeps; 1 for a kernel of zeros."""
    whole = float(found.squares.sum())
    return float(found.squares[:rank].sum()) / whole if whole else 1.0


def rank_of(found: Spectrum, energy: float) -> int:
    """The smallest rank that keeps this share of the energy."""
    return next((rank for rank in range(1, len(found.squares)) if kept(found, rank) >= energy), len(found.squares))


def factors(found: Spectrum, rank: int) -> tuple[np.ndarray, np.ndarray]:
    """The two kernels (h, 1, in, rank) and (1, w, rank, out) that are nearest to the whole; at full rank they are the whole.

    Both are alike in size: each has the root of the singular values. A projection on vectors that are orthogonal loses nothing at full
    rank, however small a singular value is.
    """
    import numpy as np

    height, width, given, made = found.shape
    vectors, values = found.vectors[:, :rank], np.sqrt(found.squares[:rank])
    roots = np.sqrt(np.maximum(values, LEAST_SCALE * max(float(values.max()), np.finfo(np.float32).tiny)))
    if found.by_rows:
        first, second = vectors * roots, (vectors.T @ found.matrix) / roots[:, None]
    else:
        first, second = (found.matrix @ vectors) / roots, vectors.T * roots[:, None]
    return first.reshape(height, 1, given, rank), second.reshape(rank, 1, width, made).transpose(1, 2, 0, 3)
