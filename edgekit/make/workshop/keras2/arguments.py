"""The arguments of a call as JSON holds them, apart from the tensors among them, and back. It knows no layers."""

from __future__ import annotations

from typing import Any

import numpy as np

Packed = dict[str, Any]
PLAIN = (bool, int, float, str)
STARTS = {"start", "stop", "step"}


def packed(args: Any, kwargs: Any) -> tuple[Packed, list[Any]]:
    """The arguments with a number in the place of each symbolic tensor, and the tensors; raises `TypeError` for what JSON cannot hold.

    >>> packed((2.0, slice(None, 3)), {"axis": (1, 2)})[0]
    {'args': [2.0, {'slice': [None, 3, None]}], 'kwargs': {'axis': {'tuple': [1, 2]}}}
    """
    tensors: list[Any] = []
    return {
        "args": [_packed(one, tensors) for one in args],
        "kwargs": {k: _packed(v, tensors) for k, v in kwargs.items()},
    }, tensors


def unpacked(call: Packed, tensors: list[Any]) -> tuple[list[Any], dict[str, Any]]:
    """The arguments of a call with new tensors."""
    return [_unpacked(one, tensors) for one in call["args"]], {
        k: _unpacked(v, tensors) for k, v in call["kwargs"].items()
    }


def _packed(value: Any, tensors: list[Any]) -> Any:
    if hasattr(value, "_keras_history"):
        tensors.append(value)
        return {"tensor": len(tensors) - 1}
    if value is None or isinstance(value, PLAIN):
        return value
    if isinstance(value, slice):
        return {"slice": [_packed(part, tensors) for part in (value.start, value.stop, value.step)]}
    if isinstance(value, dict):
        return {"dict": {key: _packed(part, tensors) for key, part in value.items()}}
    if isinstance(value, list):
        return [_packed(part, tensors) for part in value]
    if isinstance(value, tuple):
        return {"tuple": [_packed(part, tensors) for part in value]}
    if value is Ellipsis:
        return {"ellipsis": True}
    if hasattr(value, "as_list"):  # a shape
        return {"tuple": value.as_list()}
    if hasattr(value, "as_numpy_dtype"):
        return {"dtype": value.name}
    return _constant(value)


def _constant(value: Any) -> Any:
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"an argument of type {type(value).__name__} cannot be stored")
    return {"array": array.tolist(), "of": array.dtype.name}


def _unpacked(value: Any, tensors: list[Any]) -> Any:
    if isinstance(value, list):
        return [_unpacked(part, tensors) for part in value]
    if not isinstance(value, dict):
        return value
    if "array" in value:
        return np.asarray(value["array"], value["of"])
    ((kind, held),) = value.items()
    match kind:
        case "tensor":
            return tensors[held]
        case "slice":
            return slice(*(_unpacked(part, tensors) for part in held))
        case "dict":
            return {key: _unpacked(part, tensors) for key, part in held.items()}
        case "tuple":
            return tuple(_unpacked(part, tensors) for part in held)
        case "ellipsis":
            return Ellipsis
        case _:
            return held
