"""Bounds-checked reading of the FlatBuffers format: tables, vectors and texts at checked offsets.

It knows the encoding (flatbuffers.dev, "internals") and nothing about TFLite. The file is not trusted: every offset is
checked, nothing recurses, and the work is bounded by the file's size, so that a vector that a million tables share
cannot keep the reader busy. Standard library only.
"""

from __future__ import annotations

import struct
from enum import IntEnum

from edgekit.errors import ModelError

_READS_PER_BYTE = 4
_READS_AT_LEAST = 65_536
MAX_TABLES = 500_000
MAX_REMARKS = 8


class FlatBuffer:
    """A file's bytes, and how much one parse may still read of them."""

    def __init__(self, content: bytes, where: str) -> None:
        self.content = content
        self.where = where
        self._reads_left = _READS_PER_BYTE * len(content) + _READS_AT_LEAST
        self._tables_left = MAX_TABLES
        self.remarks: list[str] = []

    def remark(self, name: str, received: str) -> None:
        """Note a value that can be read but makes no sense; only the first ones are kept, for a file may be full of them."""
        if len(self.remarks) < MAX_REMARKS:
            self.remarks.append(f"{name}: {received}")

    def root(self, name: str) -> Table:
        """The table that the file starts with."""
        (position,) = self.unpack("<I", 0, name)
        return Table(self, position, name)

    def unpack(self, form: str, position: int, name: str) -> tuple[int, ...]:
        """Little-endian numbers at a position; raises `ModelError` outside the file."""
        self.claim(position, struct.calcsize(form), name)
        return struct.unpack_from(form, self.content, position)

    def claim(self, position: int, size: int, name: str) -> None:
        """Check that bytes lie within the file and that they do not exceed what a parse may read."""
        if position < 0 or position + size > len(self.content):
            raise self.damaged(name, f"bytes {position} to {position + size} of a file of {len(self.content)}")
        self._reads_left -= size
        if self._reads_left < 0:
            raise self.damaged(name, "the same bytes are used over and over")

    def count_table(self, name: str) -> None:
        """Count one more table against the limit."""
        self._tables_left -= 1
        if self._tables_left < 0:
            raise self.damaged(name, f"more than {MAX_TABLES} tables")

    def damaged(self, name: str, received: str) -> ModelError:
        """The error for a place that cannot be read."""
        return ModelError(
            "the .tflite file is damaged",
            where=f"{self.where}: {name}",
            received=received,
            next_step="convert the model, or download the file, again",
        )


class Table:
    """One table; a field that is absent has its default, as the format says."""

    __slots__ = ("_at", "_buffer", "_fields", "name")

    def __init__(self, buffer: FlatBuffer, position: int, name: str) -> None:
        buffer.count_table(name)
        (back,) = buffer.unpack("<i", position, name)
        vtable = position - back
        (size,) = buffer.unpack("<H", vtable, name)
        if size < 4 or size % 2:
            raise buffer.damaged(name, f"a table description of {size} bytes")
        self._fields = buffer.unpack(f"<{size // 2}H", vtable, name)[2:]
        self._buffer = buffer
        self._at = position
        self.name = name

    def damaged(self, field: IntEnum | str, received: str) -> ModelError:
        """The error for a field of this table whose value makes no sense."""
        return self._buffer.damaged(self._called(field), received)

    def remark(self, field: IntEnum, received: str) -> None:
        """Note that a field's value makes no sense, although an interpreter may not need it."""
        self._buffer.remark(self._called(field), received)

    def number(self, field: IntEnum, form: str, default: int = 0) -> int:
        """A scalar of a `struct` format such as '<i'."""
        position = self._position(field)
        return default if position is None else self._buffer.unpack(form, position, self._called(field))[0]

    def numbers(self, field: IntEnum, letter: str) -> tuple[int, ...]:
        """A vector of scalars of a `struct` letter; empty where absent."""
        start, length = self._vector(field, struct.calcsize("<" + letter))
        return self._buffer.unpack(f"<{length}{letter}", start, self._called(field))

    def start_of(self, field: IntEnum, item_bytes: int) -> int:
        """Where the items of a vector begin in the file."""
        return self._vector(field, item_bytes)[0]

    def place_of(self, field: IntEnum) -> int | None:
        """The position of a field in the file, which holds its value or the offset to it; None if it is absent."""
        return self._position(field)

    def reals(self, field: IntEnum) -> tuple[float, ...]:
        """A vector of float32; empty where absent."""
        return tuple(float(value) for value in self.numbers(field, "f"))

    def span(self, field: IntEnum) -> tuple[int, int] | None:
        """Where a vector of bytes lies in the file, as (start, length); None where absent or empty."""
        start, length = self._vector(field, 1)
        self._buffer.claim(start, length, self._called(field))
        return (start, length) if length else None

    def text(self, field: IntEnum) -> str:
        """A text; empty if absent, with replacement characters if it is not UTF-8."""
        start, length = self._vector(field, 1)
        self._buffer.claim(start, length, self._called(field))
        return self._buffer.content[start : start + length].decode(errors="replace")

    def table(self, field: IntEnum) -> Table | None:
        """A table that this one refers to; None where absent."""
        position = self._position(field)
        if position is None:
            return None
        (offset,) = self._buffer.unpack("<I", position, self._called(field))
        return Table(self._buffer, position + offset, self._called(field))

    def tables(self, field: IntEnum) -> list[Table]:
        """A vector of tables; empty where absent."""
        called = self._called(field)
        start, length = self._vector(field, 4)
        offsets = self._buffer.unpack(f"<{length}I", start, called)
        return [
            Table(self._buffer, start + 4 * index + offset, f"{called}[{index}]")
            for index, offset in enumerate(offsets)
        ]

    def _called(self, field: IntEnum | str) -> str:
        return f"{self.name}.{field.name.lower() if isinstance(field, IntEnum) else field}"

    def _position(self, field: IntEnum) -> int | None:
        offset = self._fields[field] if field < len(self._fields) else 0
        return self._at + offset if offset else None

    def _vector(self, field: IntEnum, item_bytes: int) -> tuple[int, int]:
        """Where a vector's items start and how many there are; all must fit in the file."""
        position = self._position(field)
        if position is None:
            return 0, 0
        called = self._called(field)
        (offset,) = self._buffer.unpack("<I", position, called)
        (length,) = self._buffer.unpack("<I", position + offset, called)
        start = position + offset + 4
        if length * item_bytes > len(self._buffer.content) - start:
            raise self._buffer.damaged(called, f"{length} items of {item_bytes} bytes at {start}, beyond the file")
        return start, length
