"""Which values of a flat graph carry a Keras mask, and the call that made it: masks go from layer to layer unseen, beside the values.

It follows what Keras 3 does while a model runs: a layer that supports masks hands on that of its input, an operation none, an addition only if all that it
adds have one; multi-head attention takes the mask off what it is given, for all that comes after.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from edgekit.keras_graph.flat_graph import Call, FlatGraph, Value
from edgekit.passes.kinds import kind

Origin = Call | str
"""The `Embedding` or `Masking` call that made a mask; `UNKNOWN` where a layer changed it, or is a user's own."""
UNKNOWN = "unknown"
MERGES = ("Add", "Average", "Maximum", "Minimum", "Multiply", "Subtract")


def masked(tools: Any, graph: FlatGraph) -> set[Value]:
    """The values that have a mask when something takes them."""
    return {
        value
        for call, origins in zip(graph.calls, origins_at(tools, graph), strict=True)
        for value, origin in zip(call.inputs, origins, strict=True)
        if origin is not None
    }


def origins_at(tools: Any, graph: FlatGraph) -> list[tuple[Origin | None, ...]]:
    """Of each call the origin of the mask of each input, None where it has none."""
    found: dict[Value, Origin] = {}
    at = []
    for call in graph.calls:
        given = tuple(found.get(value) for value in call.inputs)
        at.append(given)
        made = _made(tools, call, given)
        if kind(call) == "MultiHeadAttention":
            for value in call.inputs:
                found.pop(value, None)
        if made is not None:
            found.update(dict.fromkeys(call.outputs, made))
    return at


def _made(tools: Any, call: Call, given: Sequence[Origin | None]) -> Origin | None:
    layer, name = call.operation, kind(call)
    if name == "Masking" or (name == "Embedding" and layer.mask_zero):
        return call
    if not name and hasattr(layer, "compute_mask") and type(layer).compute_mask is not tools.keras3.Layer.compute_mask:
        return UNKNOWN  # a user's own layer, which may make one
    if not getattr(layer, "supports_masking", False) or not any(given):
        return None
    if name in MERGES:
        return None if None in given else given[0] if len(set(given)) == 1 else UNKNOWN
    if name in ("MultiHeadAttention", "GroupedQueryAttention"):
        return given[0]
    is_handed_on = len(given) == 1 and name and type(layer).compute_mask is tools.keras3.Layer.compute_mask
    return given[0] if is_handed_on else UNKNOWN


def takes_mask(users: Mapping[Value, Sequence[Call]], value: Value) -> bool:
    """Whether a layer that looks at masks, other than attention, would get that of a value, straight or from layers that hand it on."""
    for call in users.get(value, ()):
        if kind(call) in ("MultiHeadAttention", "GroupedQueryAttention") or not hasattr(
            call.operation, "supports_masking"
        ):
            continue
        if "mask" in inspect.signature(call.operation.call).parameters and kind(call) != "BatchNormalization":
            return True
        if not kind(call) or (len(call.inputs) == 1 and any(takes_mask(users, made) for made in call.outputs)):
            return True
    return False
