"""A constant of an `.onnx` file: its sizes, and where its bytes lie. The bytes are counted and not read."""

from __future__ import annotations

import math

from edgekit.onnx_file.wire import Malformed, fields, integers, text
from edgekit.values import Value

BITS = {
    1: 32, 2: 8, 3: 8, 4: 16, 5: 16, 6: 32, 7: 64, 9: 8, 10: 16, 11: 64, 12: 32, 13: 64, 14: 64, 15: 128, 16: 16, 17: 8, 18: 8, 19: 8,
    20: 8, 21: 4, 22: 4, 23: 4, 24: 8, 25: 2, 26: 2,
}  # fmt: skip
"""The bits of an element by `TensorProto.DataType`; texts (8) have no size."""
MOST_ELEMENTS = 2**40
EXTERNAL = 1


class Tensor(Value):
    """A constant: `location` is the file beside the model that holds it (empty: the model does), from `offset` on, `length` bytes (None: to its end)."""

    name: str
    bytes: int
    location: str = ""
    offset: int = 0
    length: int | None = None
    is_external: bool = False


def tensor(message: memoryview) -> Tensor:
    """A `TensorProto`; raises `Malformed` where its sizes and its bytes contradict each other."""
    dims: list[int] = []
    entries: dict[str, str] = {}
    name, kind, raw, place = "", 0, None, 0
    for field in fields(message):
        if field.number == 1:
            dims += integers(field)
        elif field.number == 2:
            kind = field.integer
        elif field.number == 8:
            name = text(field.content)
        elif field.number == 9:
            raw = len(field.content)
        elif field.number == 13:
            entries |= _entry(field.content)
        elif field.number == 14:
            place = field.integer
    size = _bytes(name, dims, kind)
    if place == EXTERNAL:
        return _external(name, size, entries)
    if raw is not None and raw != size and kind in BITS:
        raise Malformed(f"constant {name!r} of {dims} has {raw} bytes, and not {size}")
    return Tensor(name=name, bytes=size)


def _bytes(name: str, dims: list[int], kind: int) -> int:
    if any(size < 0 for size in dims):
        raise Malformed(f"constant {name!r} has a negative size: {dims[:8]}")
    elements = 1
    for size in dims:  # one by one: a product of thousands of sizes is a number of megabytes
        elements *= size
        if elements > MOST_ELEMENTS and 0 not in dims:
            raise Malformed(f"constant {name!r} has more than {MOST_ELEMENTS} elements: {dims[:8]}")
    return math.ceil((0 if 0 in dims else elements) * BITS.get(kind, 0) / 8)


def _entry(message: memoryview) -> dict[str, str]:
    key = value = ""
    for field in fields(message):
        if field.number == 1:
            key = text(field.content)
        elif field.number == 2:
            value = text(field.content)
    return {key: value}


def _external(name: str, size: int, entries: dict[str, str]) -> Tensor:
    numbers = {key: entries[key] for key in ("offset", "length") if key in entries}
    for key, value in numbers.items():
        if not (value.isascii() and value.isdigit() and len(value) < 20):
            raise Malformed(f"constant {name!r} has no number as its {key}: {value[:40]!r}")
    length = int(numbers["length"]) if "length" in numbers else None
    if length is not None and length != size:
        raise Malformed(f"constant {name!r} has {length} bytes in another file, and not {size}")
    return Tensor(
        name=name, bytes=size, location=entries.get("location", ""), offset=int(numbers.get("offset", "0")), length=length,
        is_external=True,
    )  # fmt: skip
