"""A tree of tables to the bytes of a `.tflite` file, as small as the format allows without changing what is read.

Equal vectors, tables and table descriptions are stored once. Data stay aligned as the schema asks for, and small vectors
go into the gaps that this leaves. Equal trees give equal bytes, whatever file they came from.
"""

from __future__ import annotations

import struct
from collections import defaultdict, deque

from edgekit.tflite.flat.pool import OFFSET_BYTES, Leaf, Listing, Pool, Row
from edgekit.tflite.flat.tree import Table
from edgekit.tflite.schema import FILE_IDENTIFIER
from edgekit.values import Value

HEAD_BYTES = 8
MOST_ALIGN = 16


def write_tree(root: Table) -> bytes:
    """The file of a tree; what it reads back to has the same fields with the same values."""
    pool = Pool(root)
    return _Layout(pool).content()


class _Shape(Value):
    """How the fields of a table lie: its description (a vtable), where each of its cells begins, and its length."""

    description: bytes
    places: tuple[int, ...]
    size: int
    align: int


class _Layout:
    """Where each object of a pool stands."""

    def __init__(self, pool: Pool) -> None:
        self._things = pool.things
        self._shapes = {number: _shape(thing) for number, thing in enumerate(self._things) if isinstance(thing, Row)}
        self._places: dict[int, int] = {}
        self._descriptions: dict[bytes, int] = {}
        self._end = HEAD_BYTES
        self._place_tables()
        self._place_leaves()

    def content(self) -> bytes:
        """The bytes of the whole file."""
        made = bytearray(self._end)
        struct.pack_into("<I4s", made, 0, self._places[len(self._things) - 1], FILE_IDENTIFIER)
        for description, place in self._descriptions.items():
            made[place : place + len(description)] = description
        for number, thing in enumerate(self._things):
            place = self._places[number]
            if isinstance(thing, Leaf):
                made[place : place + len(thing.content)] = thing.content
            elif isinstance(thing, Listing):
                struct.pack_into("<I", made, place, len(thing.items))
                for at, item in enumerate(thing.items, start=1):
                    self._refer(made, place + OFFSET_BYTES * at, item)
            else:
                self._write_row(made, place, thing, self._shapes[number])
        return bytes(made)

    def _write_row(self, made: bytearray, place: int, row: Row, shape: _Shape) -> None:
        struct.pack_into("<i", made, place, place - self._descriptions[shape.description])
        for (_, cell), offset in zip(row.cells, shape.places, strict=True):
            if isinstance(cell, bytes):
                made[place + offset : place + offset + len(cell)] = cell
            else:
                self._refer(made, place + offset, cell)

    def _refer(self, made: bytearray, place: int, number: int) -> None:
        struct.pack_into("<I", made, place, self._places[number] - place)

    def _place_tables(self) -> None:
        """Tables and vectors of references, whoever refers to one before it."""
        for number in reversed(range(len(self._things))):
            thing = self._things[number]
            if isinstance(thing, Listing):
                self._place(number, OFFSET_BYTES * (1 + len(thing.items)), 4)
            elif isinstance(thing, Row):
                shape = self._shapes[number]
                self._place(number, shape.size, shape.align)
                self._descriptions.setdefault(shape.description, -1)

    def _place(self, number: int, size: int, align: int) -> None:
        """Put an object at the end; what stands 4 bytes behind its beginning is aligned."""
        self._places[number] = self._end = _aligned(self._end, align)
        self._end += size

    def _place_leaves(self) -> None:
        """Vectors, texts and descriptions: those of the strictest alignment first, small ones where these leave a gap."""
        small = _Small()
        for description in self._descriptions:
            small.add(len(description), description)
        strict = []
        for number in reversed(range(len(self._things))):
            thing = self._things[number]
            if isinstance(thing, Leaf) and thing.align > 4:
                strict.append((number, thing))
            elif isinstance(thing, Leaf):
                small.add(len(thing.content), number)
        for number, leaf in sorted(strict, key=lambda one: -one[1].align):
            self._fill(small, _aligned(self._end, leaf.align))
            self._place(number, len(leaf.content), leaf.align)
        self._fill(small, None)

    def _fill(self, small: _Small, until: int | None) -> None:
        """Put small ones at the end as long as they end before a place; all of them where there is no place."""
        while (found := small.take(self._end, until)) is not None:
            size, thing = found
            if isinstance(thing, bytes):
                self._descriptions[thing] = self._end = _even(self._end)
                self._end += size
            else:
                self._place(thing, size, 4)


class _Small:
    """Things that are aligned to 4 bytes (a description to 2), by size; the largest that fits is taken, the first of them first."""

    def __init__(self) -> None:
        self._by_size: dict[int, deque[bytes | int]] = defaultdict(deque)

    def add(self, size: int, thing: bytes | int) -> None:
        self._by_size[size].append(thing)

    def take(self, end: int, until: int | None) -> tuple[int, bytes | int] | None:
        """The largest thing that ends before a place, if it begins where the file ends now."""
        room = max(self._by_size, default=0) if until is None else until - _aligned(end, 4)
        for size in sorted(self._by_size, reverse=True):
            if size <= room:
                things = self._by_size[size]
                thing = things.popleft()
                if not things:
                    del self._by_size[size]
                return size, thing
        return None


def _shape(row: Row) -> _Shape:
    """The widest cells first, so that none of them needs padding; a cell of 8 bytes is aligned to 8."""
    widths = [(slot, len(cell) if isinstance(cell, bytes) else OFFSET_BYTES) for slot, cell in row.cells]
    places, end = {}, OFFSET_BYTES
    for slot, width in sorted(widths, key=lambda cell: (-cell[1], cell[0])):
        places[slot] = end
        end += width
    slots = 1 + max(places, default=-1)
    offsets = [places.get(slot, 0) for slot in range(slots)]
    return _Shape(
        description=struct.pack(f"<{2 + slots}H", 4 + 2 * slots, end, *offsets),
        places=tuple(places[slot] for slot, _ in row.cells),
        size=end,
        align=max([4, *(width for _, width in widths)]),
    )


def _aligned(end: int, align: int) -> int:
    """The first place from the end on that has an aligned one 4 bytes behind it."""
    return -(-(end + OFFSET_BYTES) // align) * align - OFFSET_BYTES


def _even(end: int) -> int:
    return end + end % 2
