"""The rules of a comparison that failed as SARIF 2.1.0 (OASIS), which code-scanning services show on a pull request.

Every rule is listed; only those that failed have a result, since services show each result as an alert. A result's
place is B's report or model by a path relative to the current folder, which in a pipeline is the repository's root.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

from edgekit.diff.junit import class_name
from edgekit.documents.comparison import Comparison, RuleResult

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
VERSION = "2.1.0"


def sarif_json(found: Comparison) -> bytes:
    """The log as UTF-8 JSON; the same comparison in the same folder always gives the same bytes."""
    ids = list(dict.fromkeys(map(_rule_id, found.rules)))
    driver = {"name": "edgekit", "version": found.edgekit_version, "rules": [_rule(found, name) for name in ids]}
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"{class_name(found)}/"},
        "invocations": [{"executionSuccessful": True}],
        "columnKind": "unicodeCodePoints",
        "results": [_result(found, result, ids) for result in found.rules if result.outcome != "pass"],
    }
    document = {"$schema": SCHEMA, "version": VERSION, "runs": [run]}
    return (json.dumps(document, indent=2, ensure_ascii=True) + "\n").encode()


def _rule_id(result: RuleResult) -> str:
    """A rule's name without its number, so that the alert stays the same when the number changes."""
    metric = re.sub(r"[^\w.-]+", "-", result.metric)
    if result.kind == "outcome":
        return "edgekit.outcome"
    side = "above" if ">" in result.rule else "below"
    return f"edgekit.{metric}.{result.kind}-{side}"


def _rule(found: Comparison, rule_id: str) -> dict[str, Any]:
    result = next(each for each in found.rules if _rule_id(each) == rule_id)
    side = "rises above" if rule_id.endswith("above") else "falls below"
    what = {
        "change": f"The change of {result.metric} {side} what is allowed.",
        "limit": f"{result.metric} {side} its limit.",
        "outcome": "The outcome is not the one that is asked for.",
    }[result.kind]
    return {
        "id": rule_id,
        "name": re.sub(r"\W+", " ", rule_id).title().replace(" ", ""),
        "shortDescription": {"text": what},
        "fullDescription": {"text": f"{what} A figure that is not known fails too."},
        "help": {"text": "`edgekit compare A B` shows both results side by side, operator by operator."},
        "defaultConfiguration": {"level": "error"},
    }


def _result(found: Comparison, result: RuleResult, ids: list[str]) -> dict[str, Any]:
    rule_id = _rule_id(result)
    return {
        "ruleId": rule_id,
        "ruleIndex": ids.index(rule_id),
        "kind": "fail",
        "level": "error",
        "message": {"text": f"{result.rule}: {result.reason}"},
        "locations": [
            {"physicalLocation": {"artifactLocation": {"uri": _uri(found.b.file)}, "region": {"startLine": 1}}}
        ],
        "partialFingerprints": {"edgekitRule/v1": hashlib.sha256(result.rule.encode()).hexdigest()},
        "properties": {"rule": result.rule, "outcome": result.outcome},
    }


def _uri(path: str) -> str:
    """A path as a relative URI; absolute if the file is not below the current folder."""
    absolute = Path(os.path.abspath(path))
    try:
        return quote(absolute.relative_to(Path.cwd()).as_posix())
    except ValueError:
        return absolute.as_uri()
