"""One value given by the user as an array: arrays, tensors, data frames, lists of numbers; and several in a model's order.

Types are recognised by the methods they have, so that no library is imported only to check a type.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from edgekit.errors import DataError
from edgekit.ingest.printable import listed


def is_frame(value: Any) -> bool:
    """Whether a value is a table with named columns, of pandas or polars."""
    return hasattr(value, "columns") and hasattr(value, "to_numpy")


def is_array(value: Any) -> bool:
    """Whether a value is one array: a numpy array, a tensor, a series or a frame."""
    return hasattr(value, "shape") and (hasattr(value, "dtype") or is_frame(value))


def array_of(value: Any, where: str) -> np.ndarray:
    """A value as an array; raises `DataError` for lists of unequal lengths, and for frames with text or empty cells."""
    if is_frame(value):
        return _frame(value, where)
    if hasattr(value, "detach"):  # a tensor of torch
        value = value.detach().cpu()
    if hasattr(value, "to_numpy"):  # a series of pandas or polars
        return _plain(np.asarray(value.to_numpy()))
    if hasattr(value, "numpy"):
        return np.asarray(value.numpy())
    if isinstance(value, list | tuple):
        return _stacked(value, where)
    return np.asarray(value)


def _plain(array: np.ndarray) -> np.ndarray:
    """An object array as numbers if all items are numbers, as with pandas' own integer types; else unchanged."""
    if array.dtype != object or any(isinstance(cell, str) for cell in array.ravel()[:1]):
        return array
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError):
        return array


def _frame(frame: Any, where: str) -> np.ndarray:
    columns = [_plain(np.asarray(frame[name].to_numpy())) for name in frame.columns]
    for name, column in zip(frame.columns, columns, strict=True):
        if column.dtype.kind not in "fiub":
            raise DataError(
                "a column that holds no numbers", where=f"{where}: column {str(name)!r}", received=str(column[:1])[1:-1][:100],
                allowed="numbers", next_step="leave the column out, or write it as numbers",
            )  # fmt: skip
        if column.dtype.kind == "f" and np.isnan(column).any():
            raise DataError(
                "a missing value", where=f"{where}: row {int(np.argmax(np.isnan(column)))}, column {str(name)!r}",
                next_step="fill it in, or leave such rows out: frame.dropna()",
            )  # fmt: skip
    if not columns:
        raise DataError("a data frame without columns", where=where)
    return np.stack(columns, axis=1)


def _stacked(values: Sequence[Any], where: str) -> np.ndarray:
    """A list of numbers, lists or arrays as one array."""
    parts = [array_of(value, where) if not np.isscalar(value) else value for value in values]
    shapes = [np.shape(part) for part in parts]
    strange = next((index for index, shape in enumerate(shapes) if shape != shapes[0]), None)
    if strange is not None:
        raise DataError(
            "a list of items of different shapes", where=f"{where}: item {strange}", received=shapes[strange],
            allowed=f"{shapes[0]}, as the items before", next_step="bring all samples to one shape",
        )  # fmt: skip
    return np.asarray(parts)


def in_order(value: Any, names: tuple[str, ...], ranks: tuple[int, ...], side: str, where: str) -> list[Any]:
    """Inputs or targets in the model's order: by name, or by position; `ranks` counts the axes of one sample of each.

    A list or tuple is several arrays if the model has as many, else one array of all its items.
    """
    if isinstance(value, Mapping) and not is_frame(value):
        return _by_name(value, names, side, where)
    if not isinstance(value, list | tuple):
        return [value]
    if len(names) > 1:
        return list(value) if len(value) == len(names) or isinstance(value, tuple) else [value]
    if not names:
        return (
            list(value) if isinstance(value, tuple) or all(is_array(one) and np.ndim(one) for one in value) else [value]
        )
    least = ranks[0] if ranks and side == "input" else 0  # a sample's target may be a number
    is_wrapped = len(value) == 1 and is_array(value[0]) and len(value[0].shape) > least
    return list(value) if is_wrapped else [value]


def _by_name(value: Mapping[Any, Any], names: tuple[str, ...], side: str, where: str) -> list[Any]:
    if names and set(names) == set(value):
        return [value[name] for name in names]
    if len(value) == 1 and len(names) < 2:
        return list(value.values())
    model_side = "inputs" if side == "input" else "outputs"
    raise DataError(
        f"{side}s by other names than the model's {model_side}",
        where=where,
        received=listed([str(name) for name in value]) if value else "an empty mapping",
        allowed=", ".join(names) or f"a tuple, in the order of the model's {model_side}",
        next_step=f"name the {side}s as the model names its {model_side}, or give a tuple in that order",
    )
