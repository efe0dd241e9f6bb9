"""Square roots of Keras 3 whose slope at zero is zero, while a model is trained.

The slope there is infinite, and times the zero that comes with it no number: one silent frame in front of a spectrogram's magnitude, or one sum that
fake quantization rounds to zero, and every weight before the root is lost.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from edgekit.keras_graph.call_graph import calls, inner_graph
from edgekit.make.workshop.answers import is_keras3
from edgekit.make.workshop.door import Door

KIND = "Sqrt"
"""The class of the operation."""


@contextlib.contextmanager
def finite_roots(tools: Door, model: Any) -> Iterator[None]:
    """Within the block, the square roots of a model's graph have it."""
    graph = inner_graph(model) if is_keras3(model) else None
    found = [] if graph is None else [operation for operation, *_ in calls(graph) if type(operation).__name__ == KIND]
    roots = list({id(one): one for one in found}.values())
    for one in roots:
        one.call = tools.tf.custom_gradient(_root(tools.tf))
    try:
        yield
    finally:
        for one in roots:
            del one.call


def _root(tf: Any) -> Any:
    """A square root, and its slope."""

    def root(x: Any) -> Any:
        made = tf.sqrt(x if x.dtype.is_floating else tf.cast(x, tf.float32))
        return made, lambda gradient: tf.math.divide_no_nan(gradient / 2, made)

    return root
