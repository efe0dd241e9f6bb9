"""The published schema of a profile: current, and as strict as the reader."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from edgekit.devices.bundled import bundled_path, profile_ids
from edgekit.devices.profile_file import (
    BudgetTable,
    ComputeTable,
    CostTable,
    MemoryTable,
    NumericsTable,
    RatesTable,
    RuntimeTable,
)
from edgekit.emit.schema import schema_text

ROOT = Path(__file__).parents[2]


def text_of(name: str) -> str:
    return bundled_path(name).read_text(encoding="utf-8")


def _schema() -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((ROOT / "docs" / "device-profile.schema.json").read_text(encoding="utf-8"))
    return schema


def _toml(name: str) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    return tomllib.loads(text_of(name))


def test_the_published_schema_is_current() -> None:
    published = (ROOT / "docs" / "device-profile.schema.json").read_text(encoding="utf-8")
    assert published == schema_text("device-profile.schema.json"), "run tools/make_schemas.py"


@pytest.mark.parametrize("name", profile_ids())
def test_the_schema_takes_every_bundled_profile(name: str) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.validate(_toml(name), _schema())


def test_the_schema_marks_a_wrong_unit_and_an_unknown_key() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    wrong_unit, unknown = _toml("rpi4"), _toml("rpi4")
    wrong_unit["memory"]["ram"]["value"] = "1GHz"
    unknown["memory"]["rams"] = unknown["memory"]["ram"]
    for broken in (wrong_unit, unknown):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(broken, _schema())


def test_the_schema_describes_every_key() -> None:
    tables = (BudgetTable, ComputeTable, CostTable, MemoryTable, NumericsTable, RatesTable, RuntimeTable)
    definitions = _schema()["$defs"]
    for table in tables:
        assert definitions[table.__name__]["additionalProperties"] is False
        assert definitions[table.__name__]["description"]
    assert [key for key, value in definitions["ProfileFile"]["properties"].items() if value == {}] == []
    assert all(text_of(name).startswith("#:schema ../docs/device-profile.schema.json\n") for name in profile_ids())
