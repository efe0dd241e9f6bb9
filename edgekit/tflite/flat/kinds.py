"""Which fields the tables of a `.tflite` have, and of which kind: `tables.txt` as values.

It covers the whole public schema, so that a file can be taken apart and written again without a loss. What a field is
for is not known here.
"""

from __future__ import annotations

import functools
import re
import struct
from pathlib import Path
from typing import Literal

from edgekit.values import Value

FILE = Path(__file__).with_name("tables.txt")
Form = Literal["number", "text", "table", "union", "numbers", "tables"]
_FIELD = re.compile(
    r"(?P<name>\w+):(?P<open>\[?)(?P<bar>\|?)(?P<of>\w+|\?)(?:\](?P<align>\d*))?(?:=(?P<default>\S+))?$"
)


class Field(Value):
    """One field of a table at its slot.

    `of` is the letter of Python's `struct` that numbers have, the table that is referred to, or the union's name.
    `align` is what the items of a vector are aligned to, `default` the bytes of a number that is not in the file.
    """

    name: str
    slot: int
    form: Form
    of: str
    align: int = 4
    default: bytes = b""

    @property
    def item_bytes(self) -> int:
        """Bytes of one number; 4 where the field is an offset to what it holds."""
        return struct.calcsize("<" + self.of) if self.form in ("number", "numbers") else 4


class Kind(Value):
    """A table of the schema: its fields by slot, None where a slot is no longer used."""

    name: str
    fields: tuple[Field | None, ...]

    def field(self, name: str) -> Field:
        """The field of a name; a `KeyError` is a mistake in the code, since names never come from a file."""
        return _by_name(self.name)[name]


class Schema(Value):
    """All tables, and the tables that a union may hold by the number of their type (the first is none)."""

    tables: dict[str, Kind]
    unions: dict[str, tuple[str, ...]]


@functools.cache
def schema() -> Schema:
    """The schema of `tables.txt`."""
    lines = [line.split() for line in FILE.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    unions = {words[1]: tuple(words[2:]) for words in lines if words[0] == "union"}
    tables = {words[1]: _kind(words[1], words[2:]) for words in lines if words[0] == "table"}
    return Schema(tables=tables, unions=unions)


@functools.cache
def _by_name(table: str) -> dict[str, Field]:
    return {field.name: field for field in schema().tables[table].fields if field is not None}


def _kind(name: str, words: list[str]) -> Kind:
    fields = tuple(None if word == "-" else _field(word, slot) for slot, word in enumerate(words))
    return Kind(name=name, fields=fields)


def _field(word: str, slot: int) -> Field:
    parts = _FIELD.match(word)
    assert parts is not None, word
    of, is_vector, name = parts["of"], bool(parts["open"]), parts["name"]
    if len(of) == 1 and of != "s":
        size = struct.calcsize("<" + of)
        if is_vector:
            return Field(name=name, slot=slot, form="numbers", of=of, align=int(parts["align"] or max(4, size)))
        number = float(parts["default"] or 0)
        default = struct.pack("<" + of, number if of in "fd" else int(number))
        return Field(name=name, slot=slot, form="number", of=of, default=default)
    form: Form = "union" if parts["bar"] else "text" if of == "s" else "tables" if is_vector else "table"
    assert not (is_vector and form == "text"), "the schema has no vector of texts"
    return Field(name=name, slot=slot, form=form, of=of)
