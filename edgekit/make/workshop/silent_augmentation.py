"""Augmentation of Keras 3 leaves nothing in a converted file: some layers draw random numbers in inference too, and throw them away.

The generator's state is assigned each time, so the converter keeps it all. The layers stay in the model, for fine-tuning.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from edgekit.passes.kinds import is_augmentation


@contextlib.contextmanager
def silent_augmentation(model: Any) -> Iterator[None]:
    """Within the block, the layers of Keras 3 that vary pictures, also those in a closed layer, hand them on, whatever they are called with."""
    silenced = [layer for layer in model._flatten_layers() if is_augmentation(layer)]
    for layer in silenced:
        layer.call = _handed_on
    try:
        yield
    finally:
        for layer in silenced:
            del layer.call


def _handed_on(images: Any, training: Any = None) -> Any:
    return images
