"""Which values of a flat graph may carry a Keras mask, which layers hand on unseen: a pass does not rewrite what takes one."""

from __future__ import annotations

from typing import Any

from edgekit.keras_graph.flat_graph import Call, FlatGraph, Value
from edgekit.passes.kinds import kind


def masked(tools: Any, graph: FlatGraph) -> set[Value]:
    """The values that may have a mask; a user's own layer that can make one is taken to do so."""
    found: set[Value] = set()
    for call in graph.calls:
        if _makes_mask(tools, call) or (_hands_mask_on(call) and found & set(call.inputs)):
            found |= set(call.outputs)
    return found


def _makes_mask(tools: Any, call: Call) -> bool:
    layer, name = call.operation, kind(call)
    if name == "Embedding":
        return bool(layer.mask_zero)
    own = not name and hasattr(layer, "compute_mask")
    return name == "Masking" or (own and type(layer).compute_mask is not tools.keras3.Layer.compute_mask)


def _hands_mask_on(call: Call) -> bool:
    return bool(getattr(call.operation, "supports_masking", False))
