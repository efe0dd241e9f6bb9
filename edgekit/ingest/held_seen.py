"""What data have for an input that is held at a value: read only to be compared with that value, since the model is never given it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from edgekit.onnx_file.held import leaves, shown
from edgekit.values import Value

if TYPE_CHECKING:
    import numpy as np

CLOSE = 1e-6
"""So far apart, as a share of the value, may two floats be that stand for one number: a float32 keeps 7 digits."""
LONGEST = 100
"""So many numbers of a value that differs are kept; a message shows fewer."""


class HeldSeen(Value):
    """Another value than the one that an input is held at, in a part of the data that `where` names.

    `held` and `other` are the two values as `edgekit.toml` writes them: `other` is the first that differs. Of `count` values `differ` do.
    """

    name: str
    where: str
    held: str
    other: str
    differ: int
    count: int


class HeldInData:
    """Compares what data have for held inputs with `held`, the values by the names of the inputs, part by part."""

    def __init__(self, held: Mapping[str, Any]) -> None:
        self._held = held
        self._found: dict[tuple[str, str], HeldSeen] = {}
        self._counts: dict[tuple[str, str], int] = {}

    def add(self, name: str, where: str, array: np.ndarray) -> None:
        """Compare an array, or a part of one, of the input `name`; what is no number is no value that could be compared."""
        import numpy as np

        if array.dtype.kind not in "fiub" or array.size == 0 or name not in self._held:
            return
        value = np.asarray(self._held[name], np.float64).reshape(-1)
        rows = array.reshape(-1, value.size) if array.size % value.size == 0 else array.reshape(1, -1)
        close = CLOSE if array.dtype.kind == "f" else 0.0
        is_other: np.ndarray = np.ones(1, bool)
        if rows.shape[1] == value.size:
            is_other = np.logical_not((np.abs(rows.astype(np.float64) - value) <= close * np.abs(value)).all(axis=1))
        self._count(name, where, rows, is_other)

    def _count(self, name: str, where: str, rows: np.ndarray, is_other: np.ndarray) -> None:
        place = (name, where)
        self._counts[place] = self._counts.get(place, 0) + len(rows)
        if not is_other.any():
            return
        first = rows[is_other.argmax()][:LONGEST]
        known = self._found.get(place)
        self._found[place] = HeldSeen(
            name=name,
            where=where,
            held=shown(self._held[name]),
            other=known.other if known else _as_held(first, self._held[name]),
            differ=int(is_other.sum()) + (known.differ if known else 0),
            count=self._counts[place],
        )

    def found(self) -> tuple[HeldSeen, ...]:
        """What differs, by input and part of the data; nothing where the data have the values that are held."""
        import msgspec

        return tuple(msgspec.structs.replace(one, count=self._counts[place]) for place, one in self._found.items())


def _as_held(row: np.ndarray, held: Any) -> str:
    """The numbers of a sample as `edgekit.toml` writes them: of the kind that the held value has, where they are of that kind."""
    kind = type(next(leaves(held)))
    numbers = list(map(float, row))
    plain = [kind(one) if math.isfinite(one) and kind(one) == one else one for one in numbers]
    return shown(plain[0] if len(plain) == 1 else plain)
