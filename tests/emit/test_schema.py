"""The published JSON Schemas are those of the types, and are schemas."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from edgekit.emit.schema import DOCUMENTS, schema_text
from edgekit.values import to_json

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_is_published_is_not_stale(name):
    assert (DOCS / name).read_text(encoding="utf-8") == schema_text(name), "run tools/make_schemas.py"
    jsonschema.Draft202012Validator.check_schema(json.loads(schema_text(name)))


def test_a_report_and_a_plan_are_valid(sample_report, sample_plan):
    for name, value in (("report.schema.json", sample_report), ("plan.schema.json", sample_plan)):
        jsonschema.Draft202012Validator(json.loads(schema_text(name))).validate(json.loads(to_json(value)))


def test_a_report_that_lacks_a_key_or_has_another_is_not(sample_report):
    validator = jsonschema.Draft202012Validator(json.loads(schema_text("report.schema.json")))
    document = json.loads(to_json(sample_report))
    for key in document:
        assert not validator.is_valid({name: value for name, value in document.items() if name != key})
    assert not validator.is_valid({**document, "other": 1})
