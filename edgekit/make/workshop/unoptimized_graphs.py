"""Runs TensorFlow's functions as they were traced where they run only a few times.

TensorFlow rewrites a function's graph before its first run (folding constants, joining operators), so that later runs are faster. For
the training step of MobileNet that takes as long as some ten runs of it on small images: a training of a few steps never gets it back.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from edgekit.make.workshop.door import Door

FEW_STEPS = 8
"""A training of so many steps, or fewer, is over before a faster step pays."""
OPTION = "disable_meta_optimizer"


@contextlib.contextmanager
def unoptimized_graphs(tools: Door, steps: int) -> Iterator[None]:
    """Within the block, functions that run in a training of so many `steps` are not rewritten, if these are few."""
    optimizer = tools.tf.config.optimizer
    before = optimizer.get_experimental_options().get(OPTION, False)
    optimizer.set_experimental_options({OPTION: before or steps <= FEW_STEPS})
    try:
        yield
    finally:
        optimizer.set_experimental_options({OPTION: before})
