"""The schema as a text against the bindings that LiteRT ships, and the shape of it that the reader relies on."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from edgekit.tflite.flat.kinds import FILE, schema

ROOT = Path(__file__).resolve().parents[3]


def test_the_tables_are_those_of_the_bindings() -> None:
    """`python tools/make_tflite_tables.py` makes the file anew."""
    bindings = pytest.importorskip("ai_edge_litert.schema_py_generated")
    spec = importlib.util.spec_from_file_location("making", ROOT / "tools" / "make_tflite_tables.py")
    assert spec is not None and spec.loader is not None
    making = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(making)
    source = Path(bindings.__file__).read_text(encoding="utf-8")
    assert FILE.read_text(encoding="utf-8") == making.tables_text(source)


def referred(table: str) -> set[str]:
    found: set[str] = set()
    for field in schema().tables[table].fields:
        if field is not None and field.form in ("table", "tables"):
            found.add(field.of)
        if field is not None and field.form == "union":
            found |= set(schema().unions[field.of][1:])
    return found


def test_no_table_leads_back_to_itself() -> None:
    """The reader recurses, which a file can only make it do as deep as the schema is."""

    def depth(table: str, above: tuple[str, ...] = ()) -> int:
        assert table not in above, above
        return 1 + max((depth(one, (*above, table)) for one in referred(table)), default=0)

    assert depth("Model") == 6


def test_every_union_follows_its_type() -> None:
    for table in schema().tables.values():
        for before, field in zip(table.fields, table.fields[1:], strict=False):
            if field is not None and field.form == "union":
                assert before is not None and before.name == f"{field.name}_type" and before.of == "B"


@pytest.mark.parametrize(
    ("table", "name", "align"), [("Buffer", "data", 16), ("QuantizationParameters", "zero_point", 8)]
)
def test_alignment(table: str, name: str, align: int) -> None:
    assert schema().tables[table].field(name).align == align
