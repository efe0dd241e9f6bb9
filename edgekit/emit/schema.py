"""The JSON Schemas of the documents that edgekit writes and reads, made from their types.

`tools/make_schemas.py` publishes them in `docs/`; `build` puts the report's schema beside each report. It knows how
a schema is made from a type, and not what the documents mean.
"""

from __future__ import annotations

import inspect
import json
from typing import Any

import msgspec

from edgekit.devices.profile_file import ProfileFile
from edgekit.documents.bench_document import BenchDocument
from edgekit.documents.bench_result import BenchResult
from edgekit.documents.candidate import Plan
from edgekit.documents.comparison import Comparison
from edgekit.documents.diet import DietResult
from edgekit.documents.events import AnyEvent
from edgekit.documents.health import Health
from edgekit.documents.inspection import Inspection
from edgekit.documents.lockfile import Lock
from edgekit.documents.report import Report
from edgekit.project.project_file import ProjectFile

DIALECT = "https://json-schema.org/draft/2020-12/schema"
WRITTEN = (
    "report.schema.json",
    "plan.schema.json",
    "compare.schema.json",
    "inspect.schema.json",
    "diet.schema.json",
    "doctor.schema.json",
    "bench.schema.json",
    "bench-result.schema.json",
    "events.schema.json",
)
DOCUMENTS: dict[str, tuple[Any, str]] = {
    "report.schema.json": (Report, "report.json: the verdict of `edgekit build` and `edgekit check`, version 1"),
    "plan.schema.json": (Plan, "plan.json: what edgekit would try on a device, and why not the rest, version 1"),
    "compare.schema.json": (Comparison, "what `edgekit compare --json` prints: two results side by side, version 1"),
    "inspect.schema.json": (Inspection, "what `edgekit inspect --json` prints: a model's rows and sums, version 1"),
    "diet.schema.json": (DietResult, "what `edgekit diet --json` prints: what a file lost, and the proof, version 1"),
    "doctor.schema.json": (Health, "what `edgekit doctor --json` prints: what an installation can do, version 1"),
    "bench.schema.json": (BenchDocument, "what the runner prints on a device: times, memory, operators, version 1"),
    "bench-result.schema.json": (
        BenchResult,
        "what `edgekit bench --json` prints: a file measured on a device, version 1",
    ),
    "edgekit-toml.schema.json": (ProjectFile, "edgekit.toml: the model, the data, the goal and the budget"),
    "events.schema.json": (AnyEvent, "a line of `edgekit build --events`: something that happened, version 1"),
    "lock.schema.json": (Lock, "edgekit.lock: what a result was made of and which bytes came of it, version 1"),
    "device-profile.schema.json": (ProfileFile, "device_profiles/<id>.toml: a device profile, version 1"),
}


def schema_of(kind: Any, title: str) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a type, with a title.

    >>> schema_of(int, "a number")["type"]
    'integer'
    """
    return {"$schema": DIALECT, "title": title, **_cleaned(msgspec.json.schema(kind))}


def _cleaned(part: Any) -> Any:
    """The schema without the indentation of docstrings in its descriptions, as msgspec gives it from 0.23 on."""
    if isinstance(part, dict):
        return {
            key: inspect.cleandoc(value) if key == "description" and isinstance(value, str) else _cleaned(value)
            for key, value in part.items()
        }
    return [_cleaned(one) for one in part] if isinstance(part, list) else part


def schema_text(name: str) -> str:
    """The published text of one of `DOCUMENTS`, indented and ending in a newline."""
    kind, title = DOCUMENTS[name]
    schema = schema_of(kind, title)
    if name in WRITTEN:
        _require_all(schema)
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _require_all(schema: dict[str, Any]) -> None:
    """Make every key required: edgekit writes them all, so that readers of a document need not check for each."""
    for part in schema["$defs"].values():
        if "properties" in part:
            part["required"] = list(part["properties"])
