"""The tables and vectors of a tree, each that differs once: what a file has to hold, in what order, not yet where.

    equal bytes, equal alignment or not  ->  one vector
    equal numbers, equal references      ->  one table

An object refers to others by their number, which is below its own; so an order by falling numbers has whoever refers to
an object before it, as the format asks for (flatbuffers.dev, "internals": references go forward).
"""

from __future__ import annotations

import struct
from typing import Any, Literal

from edgekit.tflite.flat.kinds import Field, schema
from edgekit.tflite.flat.tree import Table
from edgekit.values import Value

OFFSET_BYTES = 4


class Leaf(Value):
    """A vector of numbers or a text as it stands in the file, its length first; what follows is aligned to `align`."""

    content: bytes
    align: int


class Row(Value):
    """A table: the fields that it has, by slot, as the bytes of a number or as the number of the object referred to."""

    cells: tuple[tuple[int, bytes | int], ...]


class Listing(Value):
    """A vector of references."""

    items: tuple[int, ...]


Thing = Leaf | Row | Listing


class Pool:
    """The objects of one tree; `things[-1]` is the root."""

    def __init__(self, root: Table) -> None:
        self.things: list[Thing] = []
        self._numbers: dict[Any, int] = {}
        self._tables: dict[int, tuple[Table, int]] = {}
        self._kinds = schema().tables
        self._row(root)

    def _row(self, table: Table) -> int:
        known = self._tables.get(id(table))
        if known is not None:
            return known[1]
        cells: list[tuple[int, bytes | int]] = []
        for field in self._kinds[table.kind].fields:
            value = None if field is None else table.fields.get(field.name)
            if field is not None and value is not None and not _says_nothing(field, value):
                cells.append((field.slot, value if field.form == "number" else self._reference(field, value)))
        number = self._one_of(("row", tuple(cells)), Row(cells=tuple(cells)))
        self._tables[id(table)] = table, number
        return number

    def _reference(self, field: Field, value: Any) -> int:
        if field.form == "tables":
            items = tuple(self._row(item) for item in value)
            return self._one_of(("list", items), Listing(items=items)) if items else self._leaf(bytes(4), 4)
        if field.form == "text":
            return self._leaf(struct.pack("<I", len(value)) + value + b"\0", 4)
        if field.form == "numbers":
            return self._leaf(struct.pack("<I", len(value) // field.item_bytes) + value, field.align)
        return self._row(value)

    def _leaf(self, content: bytes, align: int) -> int:
        number = self._one_of(("leaf", content), Leaf(content=content, align=align))
        leaf = self.things[number]
        assert isinstance(leaf, Leaf)
        if leaf.align < align:
            self.things[number] = Leaf(content=content, align=align)
        return number

    def _one_of(self, key: tuple[Literal["row", "leaf", "list"], Any], thing: Thing) -> int:
        number = self._numbers.setdefault(key, len(self.things))
        if number == len(self.things):
            self.things.append(thing)
        return number


def _says_nothing(field: Field, value: Any) -> bool:
    """Whether a number is what a reader takes a missing one for."""
    return field.form == "number" and value == field.default
