"""Which kernels of a converted file hold a recurrent layer's kernel: told by their numbers.

The converter gives them no name, and lays them out in several ways: whole where the loop stands or is unrolled, a kernel for each gate where it fuses an
LSTM, two for a GRU that resets before its product. A sparse one is read by a convolution over one place. So rows of the model's kernel are compared with what is stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from edgekit.tflite.model import TfliteModel
from edgekit.tflite.weights import Kernel, kernels

if TYPE_CHECKING:
    import numpy as np

NEAR = 0.5
"""How far a stored kernel may be from the model's, as a share of its norm: int8 is some hundredths away, another kernel once its norm or more."""


class Stored(NamedTuple):
    """A kernel of a file, and its numbers as a matrix with a row per output channel, float64."""

    kernel: Kernel
    numbers: np.ndarray


def stored_matrices(tflite: TfliteModel) -> tuple[Stored, ...]:
    """The kernels of a file that are matrices, also those with sizes of one between."""
    return tuple(Stored(one, _numbers(tflite, one)) for one in kernels(tflite) if _is_matrix(one.array.shape))


def parts_of(matrix: np.ndarray, stored: Sequence[Stored]) -> tuple[Kernel, ...]:
    """The kernels of a file that hold a matrix, a row per output channel, one below the other; none where some of its rows are in no kernel."""
    parts: list[Kernel] = []
    row = 0
    while row < len(matrix):
        there = [(_distance(matrix[row:], one.numbers), one) for one in stored]
        distance, nearest = min(there, key=lambda pair: pair[0], default=(float("inf"), None))
        if nearest is None or distance > NEAR:
            return ()
        parts.append(nearest.kernel)
        row += len(nearest.numbers)
    return tuple(parts)


def _numbers(tflite: TfliteModel, kernel: Kernel) -> np.ndarray:
    import numpy as np

    scales = np.asarray(tflite.tensors[kernel.index].scales or 1.0, np.float64)
    shape = [1] * kernel.array.ndim
    shape[kernel.channel_axis] = scales.size
    numbers = (kernel.array.astype(np.float64) - kernel.zero) * scales.reshape(shape)
    return numbers.reshape(numbers.shape[0], numbers.shape[-1])


def _is_matrix(shape: Sequence[int]) -> bool:
    return len(shape) > 1 and all(size == 1 for size in shape[1:-1])


def _distance(matrix: np.ndarray, numbers: np.ndarray) -> float:
    """How far numbers are from the first rows of a matrix, as a share of the norm of these; infinite where they do not fit."""
    import numpy as np

    rows = matrix[: len(numbers)]
    if rows.shape != numbers.shape:
        return float("inf")
    size, apart = float(np.linalg.norm(rows)), float(np.linalg.norm(rows - numbers))
    if not apart:
        return 0.0
    return apart / size if size else float("inf")
