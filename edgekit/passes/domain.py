"""What the inputs of a graph may hold, found by what is done with them: pixels that are scaled, indices of a table, numbers of known mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from edgekit.keras_graph.flat_graph import Call, FlatGraph, Value
from edgekit.passes.kinds import kind

HANDS_ON = (
    "Cast", "Identity", "Reshape", "Flatten", "ExpandDims", "Squeeze", "GetItem", "Transpose", "Permute", "Dropout", "SpatialDropout1D",
    "GaussianNoise", "RepeatVector",
)  # fmt: skip
"""What passes on the numbers that it is given."""
SCALES_DOWN = 0.1
"""An input that is multiplied by less is of large numbers, such as pixels."""
DEVIATIONS = 2.0


class Domain(NamedTuple):
    """From `low` to `high`: numbers, or arrays along the input's last axis. Indices are whole, and `high` is the last one."""

    low: Any
    high: Any
    is_index: bool = False


def domains(graph: FlatGraph) -> Mapping[Value, Domain]:
    """The domain of each input that tells it by its use; nothing is known of the others."""
    users = graph.users()
    found = {value: _by_use(users, value, 1.0, 0.0) for value in graph.inputs}
    return {value: domain for value, domain in found.items() if domain is not None}


def _by_use(users: Mapping[Value, list[Call]], value: Value, scale: Any, offset: Any) -> Domain | None:
    """The domain of an input, of which a value is so many times plus an offset."""
    is_same = np.all(np.equal(scale, 1.0)) and np.all(np.equal(offset, 0.0))
    for call in users.get(value, ()):
        count = _table(call)
        if count and is_same:
            return Domain(0, count - 1, is_index=True)
        if kind(call) == "Normalization" and getattr(call.operation, "mean", None) is not None:
            return _about(call.operation, scale, offset)
        then = (1.0, 0.0) if kind(call) in HANDS_ON and len(call.outputs) == 1 else _affine(call)
        if then is not None:
            found = _by_use(users, call.outputs[0], scale * then[0], offset * then[0] + then[1])
            if found is not None:
                return found
    return None if is_same else _scaled(scale, offset)


def _table(call: Call) -> int:
    """How many entries a table has that is looked up; 0 for other calls."""
    names = {"Embedding": "input_dim", "CategoryEncoding": "num_tokens", "OneHot": "num_classes"}
    return int(getattr(call.operation, names.get(kind(call), ""), None) or 0)


def _affine(call: Call) -> tuple[Any, Any] | None:
    """The scale and the offset of a call that computes with numbers which the graph holds; None for others."""
    name = kind(call)
    if name == "Rescaling":
        return np.asarray(call.operation.scale, np.float64), np.asarray(call.operation.offset, np.float64)
    numbers = [part for part in call.args if isinstance(part, int | float)]
    if len(call.args) != 2 or len(numbers) != 1:
        return None
    number, is_first = float(numbers[0]), isinstance(call.args[0], Value)
    if name == "Multiply":
        return number, 0.0
    if name in ("Add", "Subtract"):
        sign = -1.0 if name == "Subtract" else 1.0
        return (1.0, sign * number) if is_first else (sign, number)
    return (1 / number, 0.0) if name in ("Divide", "TrueDivide") and is_first and number else None


def _scaled(scale: Any, offset: Any) -> Domain | None:
    """What becomes 0 to 1, or -1 to 1 where there is an offset below zero, once it is scaled down."""
    if not np.all((np.abs(scale) > 0) & (np.abs(scale) < SCALES_DOWN)):
        return None
    ends = (np.where(np.less(offset, 0), -1.0, 0.0) - offset) / scale, (1.0 - offset) / scale
    return Domain(np.minimum(*ends), np.maximum(*ends))


def _about(layer: Any, scale: Any, offset: Any) -> Domain | None:
    """What a Normalization finds likely."""
    mean, spread = (np.asarray(part, np.float64) for part in (layer.mean, layer.variance))
    if layer.invert or not np.all(scale):
        return None
    mean, spread = mean.reshape(mean.shape[-1:]), DEVIATIONS * np.sqrt(spread).reshape(spread.shape[-1:])
    ends = (mean - spread - offset) / scale, (mean + spread - offset) / scale
    return Domain(np.minimum(*ends), np.maximum(*ends))
