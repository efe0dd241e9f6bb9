"""Make edgekit/tflite/flat/tables.txt, the tables of a `.tflite` field by field, from the bindings that LiteRT ships.

python tools/make_tflite_tables.py [--check]
"""

from __future__ import annotations

import argparse
import importlib
import re
import sys
from pathlib import Path

FILE = Path(__file__).resolve().parent.parent / "edgekit" / "tflite" / "flat" / "tables.txt"
BINDINGS = "ai_edge_litert.schema_py_generated"
HEAD = """\
# The tables of schema.fbs (tensorflow/compiler/mlir/lite/schema), one a line, fields in the order of their slots.
# Made by tools/make_tflite_tables.py from LiteRT's bindings. A field is name:type, with =default where that is not 0.
# Types: the letters of Python's struct; s for text; a table's name; |name for a union, whose type is the field before;
# [type] for a vector, [type]16 where its items are aligned to 16 bytes; - for a slot that is no longer used.
"""
LETTERS = {
    "Bool": "?", "Int8": "b", "Uint8": "B", "Int16": "h", "Uint16": "H", "Int32": "i", "Uint32": "I", "Int64": "q",
    "Uint64": "Q", "Float32": "f", "Float64": "d",
}  # fmt: skip
# force_align of schema.fbs, which the bindings do not tell.
ALIGNED = {("Buffer", "data"): "16", ("CustomQuantization", "custom"): "16"}


def tables_text(source: str) -> str:
    """The text of the file, from the source of the bindings."""
    names = re.findall(r"^def (\w+)Start\(builder\):", source, re.MULTILINE)
    lines = [_table(source, name) for name in names]
    return HEAD + "\n".join([*_unions(source), *lines]) + "\n"


def _unions(source: str) -> list[str]:
    found = []
    for name in re.findall(r"^def (\w+)Creator\(unionType, table\):", source, re.MULTILINE):
        body = _block(source, name)
        numbered = sorted((int(number), member) for member, number in re.findall(r"^    (\w+) = (\d+)$", body, re.M))
        assert [number for number, _ in numbered] == list(range(len(numbered))), name
        found.append(f"union {name} {' '.join(member for _, member in numbered)}")
    return found


def _table(source: str, table: str) -> str:
    (slots,) = re.findall(rf"^def {table}Start\(builder\):\n    builder.StartObject\((\d+)\)", source, re.M)
    fields = ["-"] * int(slots)
    adding = rf"^def {table}Add\w+\(builder, (\w+)\):\n    builder\.Prepend(\w+?)Slot\((\d+), .*?(\S+)\)$"
    getters = _block(source, table)
    for argument, kind, slot, default in re.findall(adding, source, re.M):
        name = _snake(argument)
        written = _reference(table, name, argument, getters) if kind == "UOffsetTRelative" else LETTERS[kind]
        value = {"True": "1", "False": "0", "None": "0"}.get(default, default)
        fields[int(slot)] = f"{name}:{written}" + ("" if float(value) == 0 else f"={value}")
    return " ".join(["table", table, *fields])


def _reference(table: str, name: str, argument: str, getters: str) -> str:
    """What a field refers to, by the method that reads it."""
    method = argument[0].upper() + argument[1:]
    body = re.split(r"^    # \w+$", getters.split(f"    def {method}(self", 1)[1], maxsplit=1, flags=re.M)[0]
    is_vector = "self._tab.Vector(" in body
    made = re.search(r"obj = (\w+)\(\)", body)
    number = re.search(r"number_types\.(\w+)Flags, a \+", body)
    if "self._tab.Union(" in body:
        return f"|{_union_of(table, name)}"
    inner = made[1] if made else "s" if "self._tab.String(" in body else LETTERS[number[1]] if number else ""
    assert inner, (table, name)
    return f"[{inner}]{ALIGNED.get((table, name), '')}" if is_vector else inner


def _union_of(table: str, name: str) -> str:
    """The union of a field; only here do the bindings keep its name to themselves."""
    return {
        "details": "QuantizationDetails",
        "array_segments": "SparseIndexVector",
        "array_indices": "SparseIndexVector",
        "builtin_options": "BuiltinOptions",
        "builtin_options_2": "BuiltinOptions2",
    }[name]


def _block(source: str, name: str) -> str:
    return re.split(r"^(?=class |def )", source.split(f"\nclass {name}(object):", 1)[1], maxsplit=1, flags=re.M)[0]


def _snake(name: str) -> str:
    """As schema.fbs writes it.

    >>> _snake("builtinOptions2Type")
    'builtin_options_2_type'
    """
    return re.sub(r"(?<=[a-z])(\d)", r"_\1", re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name)).lower()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 where the file is stale")
    wanted = parser.parse_args()
    module = importlib.import_module(BINDINGS)
    text = tables_text(Path(str(module.__file__)).read_text(encoding="utf-8"))
    if wanted.check:
        is_current = FILE.is_file() and FILE.read_text(encoding="utf-8") == text
        print("current" if is_current else f"stale: {FILE}")
        return 0 if is_current else 1
    FILE.write_text(text, encoding="utf-8")
    print(f"wrote {FILE}: {text.count('table ')} tables")
    return 0


if __name__ == "__main__":
    sys.exit(main())
