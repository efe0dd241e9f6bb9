"""Keeps what a call changes in layers (states of recurrent layers, counters) while a graph is tried."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from edgekit.keras_graph.flat_graph import FlatGraph


@contextlib.contextmanager
def state_kept(graph: FlatGraph) -> Iterator[None]:
    """Within the block, variables that are not trained (states of recurrent layers, counters) may change; afterwards they are as before."""
    operations = {id(call.operation): call.operation for call in graph.calls}.values()
    kept = [variable for one in operations for variable in _changeable(one)]
    before = [np.asarray(variable) for variable in kept]
    try:
        yield
    finally:
        for variable, value in zip(kept, before, strict=True):
            if not np.array_equal(np.asarray(variable), value):
                variable.assign(value)


def _changeable(operation: Any) -> list[Any]:
    """The variables of a layer that a call may change; recurrent layers have their states beside their variables."""
    if not hasattr(operation, "_flatten_layers"):
        return []
    states = [
        part
        for layer in operation._flatten_layers()
        for part in getattr(layer, "states", None) or ()
        if part is not None
    ]
    return [*operation.non_trainable_variables, *(part for part in states if hasattr(part, "assign"))]
