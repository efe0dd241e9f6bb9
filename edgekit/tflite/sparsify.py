"""A dense array in TFLite's sparse encoding: of the forms that hold it, the one that takes the fewest bytes.

All dimensions are dense but one, which lists where its blocks of values that are not all zero are (compressed sparse rows). Along
which dimension, and in blocks of how many, is tried. The reader of the encoding is `sparse`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgekit.tflite.sparse import Dimension, Sparsity, index_bytes
from edgekit.values import Value

if TYPE_CHECKING:
    import numpy as np

BLOCKS = (1, 4, 16)
"""The lengths of blocks that are tried: a block takes one place in the list, and stores its zeros."""


class Sparse(Value):
    """The values that are stored, in their order, and where they are in the dense array."""

    values: np.ndarray
    sparsity: Sparsity

    @property
    def size_bytes(self) -> int:
        """Bytes of the values and of the lists of places, without the tables around them."""
        return int(self.values.nbytes) + self.sparsity.places_bytes


def smallest(array: np.ndarray) -> Sparse | None:
    """The encoding with the fewest bytes; None where the array has no dimension or no elements."""
    options = [
        _along(array, axis, block)
        for axis, size in enumerate(array.shape)
        for block in BLOCKS
        if array.size and size % block == 0
    ]
    return min(options, key=lambda one: one.size_bytes, default=None)


def _along(array: np.ndarray, axis: int, block: int) -> Sparse:
    """The encoding that lists places along one dimension, by blocks of neighbours there."""
    import numpy as np

    rank, blocks = array.ndim, (axis,) if block > 1 else ()
    others = [place for place in range(rank) if place != axis]
    rows = np.moveaxis(array, axis, -1).reshape(-1, array.shape[axis] // block, block)
    stored = (rows != 0).any(axis=-1)
    segments, indices = (0, *np.cumsum(stored.sum(axis=1)).tolist()), tuple(np.nonzero(stored)[1].tolist())
    listed = Dimension(size=0, segments=segments, indices=indices)
    dense = [Dimension(size=array.shape[place]) for place in others]
    return Sparse(
        values=rows[stored].ravel(),
        sparsity=Sparsity(
            order=(*others, axis, *(rank for _ in blocks)),
            blocks=blocks,
            dimensions=(*dense, listed, *(Dimension(size=block) for _ in blocks)),
            places_bytes=sum(len(one) * index_bytes(one) for one in (segments, indices)),
        ),
    )
