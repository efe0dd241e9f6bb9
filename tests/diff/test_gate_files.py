"""JUnit XML as a parser of CI services reads it, SARIF 2.1.0 by its structure, and both written whole or not at all."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import msgspec
import pytest
from junitparser import Failure, JUnitXml

from edgekit.api.compare import compare
from edgekit.diff.junit import junit_xml
from edgekit.diff.sarif import sarif_json
from edgekit.errors import EdgekitError, InputError, OutputError

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
A, B = GOLDEN / "int8.tflite", GOLDEN / "float16.tflite"
RULES = ("flash>+2%", "accuracy<-0.5pt", "macs>+0")  # fails, unknown, passes

TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
SARIF = {
    "type": "object",
    "required": ["$schema", "version", "runs"],
    "additionalProperties": False,
    "properties": {
        "$schema": {"type": "string", "pattern": "sarif-schema-2\\.1\\.0\\.json$"},
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["tool", "results"],
                "properties": {
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "type": "object",
                                "required": ["name", "version", "rules"],
                                "properties": {
                                    "rules": {
                                        "type": "array",
                                        "uniqueItems": True,
                                        "items": {
                                            "type": "object",
                                            "required": ["id", "shortDescription", "fullDescription", "help"],
                                            "properties": {
                                                "shortDescription": TEXT,
                                                "fullDescription": TEXT,
                                                "help": TEXT,
                                            },
                                        },
                                    }
                                },
                            }
                        },
                    },
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "invocations": {"items": {"required": ["executionSuccessful"]}},
                    "results": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["ruleId", "ruleIndex", "level", "message", "locations"],
                            "properties": {
                                "message": TEXT,
                                "kind": {"const": "fail"},
                                "level": {"const": "error"},
                                "partialFingerprints": {"additionalProperties": {"type": "string"}},
                                "locations": {
                                    "type": "array",
                                    "minItems": 1,
                                    "items": {
                                        "required": ["physicalLocation"],
                                        "properties": {
                                            "physicalLocation": {
                                                "required": ["artifactLocation", "region"],
                                                "properties": {
                                                    "artifactLocation": {"required": ["uri"]},
                                                    "region": {"properties": {"startLine": {"minimum": 1}}},
                                                },
                                            }
                                        },
                                    },
                                },
                            },
                        },
                    },
                },
            },
        },
    },
}
"""What the standard and code-scanning services demand of a log like this one (OASIS SARIF 2.1.0, section 3)."""


@pytest.fixture
def found():
    return compare(A, B, fail_if=RULES)


def left(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_junit_has_a_case_for_each_rule(found, tmp_path):
    compare(A, B, fail_if=RULES, junit=tmp_path / "gate.xml")
    suites = JUnitXml.fromfile(str(tmp_path / "gate.xml"))
    assert (suites.tests, suites.failures, suites.errors) == (3, 2, 0)
    (suite,) = suites
    cases = {case.name: case for case in suite}
    assert list(cases) == list(RULES)
    assert {case.classname for case in cases.values()} == {"edgekit.compare.float16"}
    assert cases["macs>+0"].is_passed
    for name, kind in (("flash>+2%", "fail"), ("accuracy<-0.5pt", "unknown")):
        (failure,) = cases[name].result
        assert isinstance(failure, Failure) and failure.type == kind
        assert failure.message.startswith(f"{name}: ") and failure.text.startswith(failure.message)
    assert "5.3 KiB, measured: size of the file" in cases["flash>+2%"].result[0].text
    assert str(B) in cases["flash>+2%"].result[0].text


def test_junit_holds_whatever_a_text_is(found):
    hostile = "a<b>&\"'\x00\x1b\ufffe\ud800]]>"
    rules = tuple(msgspec.structs.replace(rule, reason=hostile) for rule in found.rules)
    side = msgspec.structs.replace(found.b, file=hostile, device=hostile)
    text = junit_xml(msgspec.structs.replace(found, rules=rules, b=side))
    root = ElementTree.fromstring(text)
    message = root.find(".//failure").get("message")
    assert message.endswith("a<b>&\"'????]]>")
    assert re.fullmatch(r"edgekit\.compare\.[\w-]+", root.find(".//testcase").get("classname"))


def test_sarif_is_what_services_read(found):
    log = json.loads(sarif_json(found))
    jsonschema.Draft202012Validator(SARIF).validate(log)
    (run,) = log["runs"]
    ids = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert ids == ["edgekit.flash.change-above", "edgekit.accuracy.change-below", "edgekit.macs.change-above"]
    assert [(each["ruleId"], ids[each["ruleIndex"]]) for each in run["results"]] == [(ids[0],) * 2, (ids[1],) * 2]
    assert run["results"][0]["message"]["text"].startswith("flash>+2%: flash changed by +28.3")
    assert len({each["partialFingerprints"]["edgekitRule/v1"] for each in run["results"]}) == 2


def test_sarif_names_a_file_below_the_folder_by_a_relative_uri(tmp_path, monkeypatch):
    inside = tmp_path / "my results"
    inside.mkdir()
    (inside / "b#1.tflite").write_bytes(B.read_bytes())
    monkeypatch.chdir(tmp_path)

    def uri(path):
        log = json.loads(sarif_json(compare(A, path, fail_if=["flash>+2%"])))
        return log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]

    assert uri(Path("my results/b#1.tflite")) == uri(inside / "b#1.tflite") == "my%20results/b%231.tflite"
    monkeypatch.chdir(inside)
    assert uri(B) == B.as_uri()


def test_two_rules_on_one_metric_share_a_rule_and_not_a_result(tmp_path):
    found = compare(A, B, fail_if=["flash>+2%", "flash>+1B", "flash>1B"])
    run = json.loads(sarif_json(found))["runs"][0]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == [
        "edgekit.flash.change-above", "edgekit.flash.limit-above",
    ]  # fmt: skip
    assert [each["ruleIndex"] for each in run["results"]] == [0, 0, 1]


def test_the_same_comparison_gives_the_same_bytes(found):
    again = compare(A, B, fail_if=RULES)
    assert junit_xml(found) == junit_xml(again) and sarif_json(found) == sarif_json(again)


def test_folders_are_made_and_files_replaced(tmp_path):
    junit, sarif = tmp_path / "ci" / "new" / "gate.xml", tmp_path / "gate.sarif"
    sarif.write_text("old")
    compare(A, B, fail_if=RULES, junit=junit, sarif=str(sarif))
    assert JUnitXml.fromfile(str(junit)).tests == 3 and json.loads(sarif.read_text())["version"] == "2.1.0"
    assert left(tmp_path) == {"ci", "ci/new", "ci/new/gate.xml", "gate.sarif"}


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real.xml").write_text("old")
    (tmp_path / "link.xml").symlink_to("real.xml")
    compare(A, B, fail_if=RULES, junit=tmp_path / "link.xml")
    assert (tmp_path / "link.xml").is_symlink() and JUnitXml.fromfile(str(tmp_path / "real.xml")).tests == 3


@pytest.mark.parametrize(
    "second", ["folder", "text.txt/gate.sarif", "x" * 300, "a\0b", "new/gate.xml", "loop", "/proc/gate.sarif"]
)
def test_where_one_cannot_be_written_neither_appears(tmp_path, second):
    (tmp_path / "folder").mkdir()
    (tmp_path / "text.txt").write_text("a file, where a folder is asked for")
    (tmp_path / "loop").symlink_to("loop")
    before = left(tmp_path)
    with pytest.raises(OutputError) as error:
        compare(A, B, fail_if=RULES, junit=tmp_path / "new" / "gate.xml", sarif=tmp_path / second)
    assert error.value.exit_code == 2 and error.value.where
    assert left(tmp_path) == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_device_is_no_file(tmp_path):
    for path in ("/dev/full", "/dev/null"):
        with pytest.raises(OutputError, match="not a file"):
            compare(A, B, fail_if=RULES, junit=path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="cannot be written"):
        compare(A, B, fail_if=RULES, junit=tmp_path / "gate.xml")


def test_what_is_compared_is_never_written_over(tmp_path):
    copy = tmp_path / "b.tflite"
    copy.write_bytes(B.read_bytes())
    (tmp_path / "link.tflite").symlink_to(copy)
    for path in (copy, tmp_path / "link.tflite"):
        with pytest.raises(OutputError, match="one of those that are compared"):
            compare(A, copy, fail_if=RULES, sarif=path)
    assert copy.read_bytes() == B.read_bytes()


@pytest.mark.parametrize("option", ["junit", "sarif"])
def test_a_gate_without_rules_is_an_error(tmp_path, option):
    with pytest.raises(InputError, match="there are no rules"):
        compare(A, B, **{option: tmp_path / "out"})
    assert left(tmp_path) == set()


def test_a_wrong_rule_writes_nothing(tmp_path):
    with pytest.raises(EdgekitError):
        compare(A, B, fail_if=["flash>+2%", "flahs>+2%"], junit=tmp_path / "gate.xml")
    assert left(tmp_path) == set()
