"""A file's bytes to a tree of tables with every field that they have, by the schema and by no meaning.

Numbers, texts and vectors of numbers are kept as their bytes, so that nothing is rounded. What the file shares is one
value here too. The file may be hostile: it is read in bounded time and memory, or refused with a `ModelError`.
"""

from __future__ import annotations

import struct
from collections import Counter
from typing import Any

from edgekit.tflite.flat.kinds import Field, Kind, schema
from edgekit.tflite.flatbuffer import MAX_TABLES, FlatBuffer
from edgekit.values import Value

MAX_VISITS = 4 * MAX_TABLES
"""The most tables that a walk over the tree may meet; one that many others share is met again from each."""


class Table(Value):
    """One table: the name of its kind, and the fields that it has.

    A number, a text and a vector of numbers are `bytes` (little-endian; a text without the zero at its end); a table or
    union a `Table`, a vector of tables a tuple of them.
    """

    kind: str
    fields: dict[str, Any] = {}

    def number(self, name: str) -> int:
        """A whole number; its default where the table does not have it."""
        field = schema().tables[self.kind].field(name)
        return int(struct.unpack("<" + field.of, self.fields.get(name, field.default))[0])

    def numbers(self, name: str) -> tuple[Any, ...]:
        """A vector of numbers; empty where the table does not have it."""
        field, content = schema().tables[self.kind].field(name), self.fields.get(name, b"")
        return struct.unpack(f"<{len(content) // field.item_bytes}{field.of}", content)

    def tables(self, name: str) -> tuple[Table, ...]:
        """A vector of tables; empty where the table does not have it."""
        found: tuple[Table, ...] = self.fields.get(name, ())
        return found

    def with_fields(self, **changes: Any) -> Table:
        """The table with fields set anew, those that are None left out; an `int` or a tuple of them is packed."""
        merged = {**self.fields, **{name: _packed(self.kind, name, value) for name, value in changes.items()}}
        return Table(kind=self.kind, fields={name: value for name, value in merged.items() if value is not None})


def table(kind: str, **fields: Any) -> Table:
    """A new table."""
    return Table(kind=kind).with_fields(**fields)


class Tree(Value):
    """A file taken apart.

    `strangers` are places with a field or a type that the schema does not have: such a file cannot be written again.
    `end` is where the FlatBuffer ends in the file. `repeated` has for each field the bytes of vectors that the file holds
    once more although one with the same content is there.
    """

    root: Table
    strangers: tuple[str, ...]
    end: int
    repeated: dict[str, int]


def read_tree(content: bytes, where: str) -> Tree:
    """The tree of a `.tflite` file, which `where` names; raises `ModelError` where an offset leads outside of it."""
    return _Reader(content, where).tree()


class _Reader:
    """One file being taken apart, with what was read at each place."""

    def __init__(self, content: bytes, where: str) -> None:
        self._buffer, self._content = FlatBuffer(content, where), content
        self._schema = schema()
        self._tables: dict[tuple[int, str], tuple[Table, int]] = {}
        self._lists: dict[tuple[int, str], tuple[tuple[Table, ...], int]] = {}
        self._vectors: dict[tuple[int, int], bytes] = {}
        self._seen: set[tuple[str, bytes]] = set()
        self._strangers: list[str] = []
        self._repeated: Counter[str] = Counter()
        self._end = 8

    def tree(self) -> Tree:
        (position,) = self._buffer.unpack("<I", 0, "model")
        root, _ = self._table(position, "Model")
        return Tree(root=root, strangers=tuple(self._strangers), end=self._end, repeated=dict(self._repeated))

    def _table(self, position: int, name: str) -> tuple[Table, int]:
        """A table, and how many tables a walk over it meets."""
        found = self._tables.get((position, name))
        if found is not None:
            return found
        self._buffer.count_table(name)
        fields: dict[str, Any] = {}
        kind, visits = self._schema.tables[name], 1
        for field, place in self._places(position, kind):
            if field.form == "number":
                fields[field.name] = self._bytes(place, field.item_bytes, field.name)
            elif field.form == "text":
                fields[field.name] = self._text(place, field)
            elif field.form == "numbers":
                fields[field.name] = self._numbers(place, field)
            elif field.form == "tables":
                fields[field.name], more = self._many(place, field)
                visits += more
            else:
                of = field.of if field.form == "table" else self._member(field, fields, name)
                if of is not None:
                    fields[field.name], more = self._table(self._target(place, field.name), of)
                    visits += more
        if visits > MAX_VISITS:
            raise self._buffer.damaged(name, f"more than {MAX_VISITS} tables, as they are shared")
        self._tables[position, name] = Table(kind=name, fields=fields), visits
        return self._tables[position, name]

    def _places(self, position: int, kind: Kind) -> list[tuple[Field, int]]:
        """The fields that a table has, each with where it stands."""
        (back,) = self._buffer.unpack("<i", position, kind.name)
        vtable = position - back
        size, length = self._buffer.unpack("<HH", vtable, kind.name)
        if size < 4 or size % 2:
            raise self._buffer.damaged(kind.name, f"a table description of {size} bytes")
        self._reach(vtable + size)
        self._reach(position + length)
        found = []
        for slot, offset in enumerate(self._buffer.unpack(f"<{size // 2 - 2}H", vtable + 4, kind.name)):
            field = kind.fields[slot] if slot < len(kind.fields) else None
            if offset and field is None:
                self._strangers.append(f"field {slot} of {kind.name}")
            elif offset and field is not None:
                found.append((field, position + offset))
        return found

    def _member(self, field: Field, fields: dict[str, Any], table: str) -> str | None:
        """The table that a union holds, by its type; a type that is not known is a stranger."""
        members = self._schema.unions[field.of]
        number: int = fields.get(f"{field.name}_type", b"\0")[0]
        if 0 < number < len(members):
            return members[number]
        self._strangers.append(f"type {number} of {field.name} of {table}")
        return None

    def _target(self, place: int, name: str) -> int:
        return place + self._buffer.unpack("<I", place, name)[0]

    def _many(self, place: int, field: Field) -> tuple[tuple[Table, ...], int]:
        start = self._target(place, field.name)
        if (start, field.of) in self._lists:
            return self._lists[start, field.of]
        (length,) = self._buffer.unpack("<I", start, field.name)
        self._within(start + 4, length * 4, field.name)
        offsets = self._buffer.unpack(f"<{length}I", start + 4, field.name)
        self._reach(start + 4 + 4 * length)
        found = [self._table(start + 4 + 4 * at + offset, field.of) for at, offset in enumerate(offsets)]
        self._lists[start, field.of] = tuple(table for table, _ in found), sum(visits for _, visits in found)
        return self._lists[start, field.of]

    def _numbers(self, place: int, field: Field) -> bytes:
        start = self._target(place, field.name)
        known = self._vectors.get((start, field.item_bytes))
        if known is not None:
            return known
        (length,) = self._buffer.unpack("<I", start, field.name)
        content = self._bytes(start + 4, length * field.item_bytes, field.name)
        if (field.name, content) in self._seen:
            self._repeated[field.name] += 4 + len(content)
        self._seen.add((field.name, content))
        self._vectors[start, field.item_bytes] = content
        return content

    def _text(self, place: int, field: Field) -> bytes:
        start = self._target(place, field.name)
        if (start, 0) not in self._vectors:
            (length,) = self._buffer.unpack("<I", start, field.name)
            self._vectors[start, 0] = self._bytes(start + 4, length, field.name)
            self._reach(min(start + 5 + length, len(self._content)))
        return self._vectors[start, 0]

    def _bytes(self, start: int, size: int, name: str) -> bytes:
        self._within(start, size, name)
        self._buffer.claim(start, size, name)
        self._reach(start + size)
        return self._content[start : start + size]

    def _within(self, start: int, size: int, name: str) -> None:
        """Refuse a length that reaches beyond the file before anything of that length is made."""
        if size > len(self._content) - start:
            raise self._buffer.damaged(name, f"{size} bytes at {start}, beyond the file")

    def _reach(self, end: int) -> None:
        self._end = max(self._end, end)


def _packed(kind: str, name: str, value: Any) -> Any:
    """A field's value as the tree holds it."""
    field = schema().tables[kind].field(name)
    if isinstance(value, int):
        return struct.pack("<" + field.of, value)
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, tuple) and field.form == "numbers":
        return struct.pack(f"<{len(value)}{field.of}", *value)
    return value
