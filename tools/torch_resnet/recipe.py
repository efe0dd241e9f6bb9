"""What both trainings have in common, with numpy alone: the images of each batch, the learning rate of each step, and every other number.

Both have the network of `benchmark_projects/cifar.py`, Adam, and the cross entropy with the squares of some kernels added to it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from shifted import mirrored_and_shifted

BATCH, RATE = 64, 2e-3
KERNEL_PENALTY = 1e-4
"""The factor of the squares of the normalized convolutions' weights in the loss, as Keras's `L2` has it."""
EPSILON_OF_ADAM = 1e-7
EPSILON, MOMENTUM = 1e-3, 0.99
"""Of batch normalization, as Keras counts: the share of the moving statistics that a step keeps."""


def steps_of(samples: int, epochs: int) -> int:
    """The steps of a training: whole batches alone."""
    return samples // BATCH * epochs


def rate(step: int, steps: int) -> float:
    """The learning rate of a step, the first of which is 0: half a cosine, as Keras's `CosineDecay`.

    >>> rate(0, 10), rate(5, 10), rate(10, 10)
    (0.002, 0.001, 0.0)
    """
    return RATE * 0.5 * (1 + math.cos(math.pi * step / steps))


def epochs_of(x: Any, y: Any, *, epochs: int, seed: int) -> Iterator[tuple[Any, Any]]:
    """The images and classes of each epoch, in the order of their batches: shuffled, mirrored and shifted by the seed."""
    generator = np.random.default_rng(seed)
    for _ in range(epochs):
        order = generator.permutation(len(x))[: len(x) // BATCH * BATCH]
        yield mirrored_and_shifted(x[order], generator), y[order]
