"""Factors that give the channels of a file's values like ranges, and the file with them: cross-layer equalization.

In int8 all channels of a value have one scale, that of the widest. A channel whose numbers are a hundredth of it has 2 or 3 of the 255 steps. Multiplied by a factor where
it is made, and divided by it where it is taken, it has all of them, and the float answers stay (Nagel et al., "Data-Free Quantization Through Weight
Equalization and Bias Correction", 2019, section 4.1). There the ranges of weights are made alike, with a scale for each tensor; here, where each output channel of
a kernel has a scale, those of values and of the weights that take them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from edgekit.tflite.channels.classes import Classes
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.patched import patched
from edgekit.tflite.weights import weights

if TYPE_CHECKING:
    import numpy as np

Ranges = Mapping[int, tuple["np.ndarray", "np.ndarray"]]
"""The lowest and highest number of each channel of a value, by the tensor's index."""
UNEQUAL = 0.25
"""Channels are unequal where half of those that are ever used reach less than this share of the widest."""
MOST = 256.0
"""The largest factor: what reaches less is of no use."""
LEAST_WEIGHT = 1e-3
"""A weight below this share of the largest of its output channel counts as this one."""


def are_unequal(classes: Classes, ranges: Ranges) -> bool:
    """Whether there is a value with unequal channels whose factors are free."""
    return any(_is_unequal(found, *ranges[index]) for index, found in classes.of.items() if index in ranges)


def _is_unequal(classes: np.ndarray, low: np.ndarray, high: np.ndarray) -> bool:
    import numpy as np

    reach = _reach(low, high)
    used = reach[reach > 0]
    return used.size > 0 and bool(np.median(used) < UNEQUAL * used.max())


def equalizing(model: TfliteModel, classes: Classes, ranges: Ranges) -> np.ndarray:
    """The factor of each class: 1 of class 0 and of what is always zero.

    With r, the share of the widest channel that a channel reaches, and w, the largest share of the largest weight of their output channel that the weights
    for it have, it is sqrt(w / r): both reach sqrt(w r) then. Where no kernel sums over the channel, it is 1 / r.
    """
    import numpy as np

    reach, weight = np.zeros(classes.total), np.zeros(classes.total)
    for index, (low, high) in ranges.items():
        found = _reach(low, high)
        if index in classes.of and 0 < found.max(initial=0) < np.inf:
            np.maximum.at(reach, classes.of[index], found / found.max())
    for one in classes.factored:
        if one.sums and one.over is not None and one.over.any():
            over, share = _shares(weights(model, one.tensor), one.over)
            np.maximum.at(weight, over, share)
    found = np.ones(classes.total)
    top = np.where(weight > 0, np.sqrt(np.maximum(weight, LEAST_WEIGHT) * reach), 1)
    np.divide(top, reach, out=found, where=reach > 0)
    found = np.clip(found, 1 / MOST, MOST)
    found[0] = 1
    return found


def rescaled_channels(model: TfliteModel, classes: Classes, factors: np.ndarray) -> bytes:
    """The file with these factors in its constants, in place; zeros stay zeros."""
    import numpy as np

    made, single = {}, factors.astype(np.float32)
    for one in classes.factored:
        times = single[one.times] if one.over is None else single[one.times] / single[one.over]
        if (times != 1).any():
            made[one.tensor] = weights(model, one.tensor) * times
    return patched(model.content, model, made)


def rescaled_range(classes: np.ndarray, factors: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[float, float]:
    """The range of a value whose channels have these factors."""
    times = factors[classes]
    return float((low * times).min()), float((high * times).max())


def _shares(kernel: np.ndarray, over: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The classes that a kernel's weights are for, and of each weight the largest share of the largest one of its output channel, over all that are for the same."""
    import numpy as np

    size = np.abs(kernel)
    largest = size.max(axis=tuple(range(1, size.ndim)), keepdims=True)
    size /= np.maximum(largest, np.finfo(np.float32).tiny)
    over = over.reshape((1,) * (size.ndim - over.ndim) + over.shape)
    size = size.max(axis=tuple(axis for axis, length in enumerate(over.shape) if length == 1), keepdims=True)
    return over.ravel(), np.broadcast_to(size, over.shape).ravel()


def _reach(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    import numpy as np

    found: np.ndarray = np.maximum(np.abs(low), np.abs(high))
    return found
