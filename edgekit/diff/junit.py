"""A comparison's rules as JUnit XML, one test case each, which CI services show beside the tests.

There is no standard; this is the form that Jenkins, GitLab, GitHub's actions and Azure all read: `testsuites`, one
`testsuite` with counts, `testcase` with `classname` and `name`, `failure` with a message and a text. GitLab identifies test
cases by class and name and shows only the failure's text, so each rule has a unique name and the text is complete.
"""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

from edgekit.documents.comparison import Comparison, RuleResult
from edgekit.documents.report import Metric
from edgekit.verdict.wording import figure

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, production 2: Char
_NOT_IN_NAME = re.compile(r"[^\w-]+")


def junit_xml(found: Comparison) -> bytes:
    """The document, UTF-8 with its declaration; the same comparison always gives the same bytes."""
    failures = sum(result.outcome != "pass" for result in found.rules)
    counts = {"tests": str(len(found.rules)), "failures": str(failures), "errors": "0", "time": "0"}
    root = ElementTree.Element("testsuites", {"name": "edgekit compare", **counts})
    suite = ElementTree.SubElement(root, "testsuite", {"name": "edgekit compare", **counts, "skipped": "0"})
    properties = ElementTree.SubElement(suite, "properties")
    for name, side in (("A", found.a), ("B", found.b)):
        ElementTree.SubElement(properties, "property", {"name": name, "value": _text(side.file)})
    for result in found.rules:
        _add_case(suite, found, result)
    ElementTree.indent(root)
    text: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def class_name(found: Comparison) -> str:
    """The name of the comparison among a pipeline's tests: the device's, or the file's if no report names a device."""
    return f"edgekit.compare.{_NOT_IN_NAME.sub('_', found.b.device or Path(found.b.file).stem) or 'file'}"


def _add_case(suite: ElementTree.Element, found: Comparison, result: RuleResult) -> None:
    attributes = {"classname": class_name(found), "name": _text(result.rule), "time": "0"}
    case = ElementTree.SubElement(suite, "testcase", attributes)
    if result.outcome != "pass":
        message = _text(f"{result.rule}: {result.reason}")
        failure = ElementTree.SubElement(case, "failure", {"message": message, "type": result.outcome})
        failure.text = _text("\n".join([message, *_sides(found, result.metric)]))


def _sides(found: Comparison, name: str) -> list[str]:
    """Both figures with their basis."""
    metric = next((each for each in found.metrics if each.name == name), None)
    if metric is None:
        return [f"A: {found.a.file}", f"B: {found.b.file}"]
    pairs = (("A", found.a.file, metric.a), ("B", found.b.file, metric.b))
    return [f"{side}: {path}: {_figure(name, each)}" for side, path, each in pairs]


def _figure(name: str, metric: Metric) -> str:
    if metric.value is None:
        return f"{name} is not known: {metric.reason}"
    return f"{figure(name, metric.value, metric.unit)}, {metric.basis}: {metric.source}"


def _text(text: str) -> str:
    """A text without characters that XML cannot hold."""
    return _NOT_XML.sub("?", text)
