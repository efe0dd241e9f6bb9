"""Zeros and repeated values in the float kernels of an operator: what pruning or clustering left there, whoever did it."""

from __future__ import annotations

from collections.abc import Sequence

from edgekit.tflite.model import Tensor, TfliteModel
from edgekit.tflite.weights import distinct_values, weights

MOST_VALUES = 64
"""A channel with more distinct values is not known for them."""
LEAST_REPEATED = 4
"""So many weights for each value a channel must have: where there are few weights, there are few values anyway."""


def zeros_and_values(model: TfliteModel, kernels: Sequence[Tensor], axis: int) -> tuple[float, int | None]:
    """The share of zeros of an operator's kernels, and the most distinct values in a channel, along `axis`, where these are few (else None).

    Only plain constants of float32 are looked at, so that the work is bounded by the file's size.
    """
    plain = [one for one in kernels if one.dtype == "float32" and one.shape and not one.sparsity and not one.coding]
    arrays = [weights(model, one.index) for one in plain]
    total = sum(array.size for array in arrays)
    if not total or len(plain) < len(kernels):
        return 0.0, None
    zeros = sum(int((array == 0).sum()) for array in arrays) / total
    axes = [min(axis, array.ndim - 1) for array in arrays]
    most = max(distinct_values(array, axis) for array, axis in zip(arrays, axes, strict=True))
    window = min(array.size // max(array.shape[axis], 1) for array, axis in zip(arrays, axes, strict=True))
    return zeros, most if most <= MOST_VALUES and LEAST_REPEATED * most <= window else None
