"""Which weights of a kernel stay: masks by magnitude, for one kernel or for all together, free or in a pattern.

Kernels are matrices here: one row per output channel, the weights of a row in the order of the file
(`sites.by_channel`). This file knows nothing of training, nor of when a mask is computed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

GROUP, KEPT = 4, 2
"""2:4 sparsity: of four neighbouring weights of a row, two may stay."""


def of_each(kernels: Sequence[np.ndarray], sparsity: float, block: int = 1) -> list[np.ndarray]:
    """A mask for each kernel that leaves the same share of zeros in each."""
    return [_in_whole_blocks(_all_but_smallest(_by_block(abs(kernel), block), sparsity), block) for kernel in kernels]


def of_all(kernels: Sequence[np.ndarray], sparsity: float, block: int = 1) -> list[np.ndarray]:
    """Masks with one threshold for all kernels: the less a kernel's weights matter, the more of them become zero.

    Weights are compared by the LAMP score: the square of a weight, over the sum of the squares in its kernel that are
    not smaller (Lee et al., "Layer-adaptive sparsity for the Magnitude-based Pruning", arXiv 2010.07611). So no kernel
    loses all its weights.
    """
    import numpy as np

    scores = [_lamp(_by_block(abs(kernel), block)) for kernel in kernels]
    kept = _all_but_smallest(np.concatenate([score.ravel() for score in scores])[None], sparsity)[0]
    ends = np.cumsum([score.size for score in scores])[:-1]
    parts = zip(np.split(kept, ends), scores, strict=True)
    return [_in_whole_blocks(part.reshape(score.shape), block) for part, score in parts]


def two_of_four(kernels: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Masks with two zeros in every four neighbouring weights of a row; the rest at a row's end stays."""
    return [_two_of_four(abs(kernel)) for kernel in kernels]


def broken_groups(kernel: np.ndarray) -> int:
    """The groups of four neighbouring weights of a row with more than two that are not zero."""
    return int(((whole_groups(kernel) != 0).sum(axis=1) > KEPT).sum())


def whole_groups(kernel: np.ndarray) -> np.ndarray:
    """The groups of four neighbouring weights, one group per row of the result; the rest at a row's end is in no group."""
    return kernel[:, : kernel.shape[1] - kernel.shape[1] % GROUP].reshape(-1, GROUP)


def zeros_in_blocks(kernel: np.ndarray, block: int) -> int:
    """How many weights are in blocks (neighbouring weights of a row) that are all zero."""
    import numpy as np

    starts, sizes = _blocks(kernel.shape[1], block)
    return int(((np.add.reduceat(kernel != 0, starts, axis=1, dtype=np.int64) == 0) * sizes).sum())


def _all_but_smallest(scores: np.ndarray, sparsity: float) -> np.ndarray:
    """A mask without the smallest share of the scores; of equal scores the first ones go, so that the share is met."""
    import numpy as np

    mask = np.ones(scores.size, bool)
    mask[np.argsort(scores, axis=None, kind="stable")[: round(sparsity * scores.size)]] = False
    return mask.reshape(scores.shape)


def _lamp(magnitudes: np.ndarray) -> np.ndarray:
    import numpy as np

    order = np.argsort(magnitudes, axis=None, kind="stable")
    squares = magnitudes.ravel()[order].astype(np.float64) ** 2
    not_smaller = np.cumsum(squares[::-1])[::-1]
    scores = np.empty_like(squares)
    scores[order] = squares / np.maximum(not_smaller, np.finfo(np.float64).tiny)
    return scores.reshape(magnitudes.shape)


def _by_block(magnitudes: np.ndarray, block: int) -> np.ndarray:
    """Each weight's magnitude replaced by the mean of its block; the rest at a row's end is a block too."""
    import numpy as np

    if block == 1:
        return magnitudes
    starts, sizes = _blocks(magnitudes.shape[1], block)
    return np.repeat(np.add.reduceat(magnitudes, starts, axis=1) / sizes, sizes, axis=1)


def _in_whole_blocks(mask: np.ndarray, block: int) -> np.ndarray:
    """A mask that drops or keeps blocks as a whole: it drops those that are dropped in part, unless no block would be left."""
    import numpy as np

    if block == 1:
        return mask
    starts, sizes = _blocks(mask.shape[1], block)
    whole: np.ndarray = np.repeat(np.logical_and.reduceat(mask, starts, axis=1), sizes, axis=1)
    return whole if whole.any() else np.repeat(np.logical_or.reduceat(mask, starts, axis=1), sizes, axis=1)


def _blocks(width: int, block: int) -> tuple[np.ndarray, np.ndarray]:
    """Where the blocks of a row begin and how wide they are; the rest at its end is a block too."""
    import numpy as np

    starts = np.arange(0, width, block)
    return starts, np.diff([*starts, width])


def _two_of_four(magnitudes: np.ndarray) -> np.ndarray:
    import numpy as np

    whole = magnitudes.shape[1] - magnitudes.shape[1] % GROUP
    groups = magnitudes[:, :whole].reshape(-1, GROUP)
    mask = np.ones(magnitudes.shape, bool)
    kept = np.zeros(groups.shape, bool)
    np.put_along_axis(kept, np.argsort(-groups, axis=1, kind="stable")[:, :KEPT], True, axis=1)
    mask[:, :whole] = kept.reshape(magnitudes.shape[0], whole)
    return mask
