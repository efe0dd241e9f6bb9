"""Phrases that several views say: one place makes them, and every view has them in the same words."""

from __future__ import annotations

import ast
import io
from pathlib import Path

import msgspec
import pytest

from edgekit.cli.render.console import make_console
from edgekit.cli.render.report import print_report
from edgekit.documents.candidate import Step
from edgekit.documents.report import Declined
from edgekit.emit.html import html_report
from edgekit.verdict.phrases import bases, grouped, steps_text

PACKAGE = Path(__file__).resolve().parents[2] / "edgekit"
VIEWS = [path for room in ("emit", "cli/render", "views", "diff") for path in sorted((PACKAGE / room).rglob("*.py"))]


@pytest.fixture
def report(sample_report):
    steps = (Step(technique="halving", settings={"share": 0.5, "without": []}), Step(technique="packing", settings={}))
    chosen = msgspec.structs.replace(sample_report.chosen, steps=steps)
    declined = tuple(Declined(technique=name, reason="no room") for name in ("one", "two"))
    return msgspec.structs.replace(sample_report, chosen=chosen, declined=declined)


def test_the_terminal_and_the_page_say_the_steps_alike(report):
    stream = io.StringIO()
    console = make_console(stream)
    console.width = 110
    print_report(report, console=console)
    terminal, page = " ".join(stream.getvalue().split()), html_report(report)
    said = steps_text(report.chosen.steps)
    assert said == "halving (share 0.5, without none), then packing"
    assert said in terminal and said in page


def test_a_reason_that_names_share_is_said_once(report):
    assert grouped((each.technique, each.reason) for each in report.declined) == [(("one", "two"), "no room")]
    assert grouped([]) == []


def test_a_basis_is_said_once(report):
    flash = report.chosen.metrics["flash"]
    assert bases((flash, None, flash)) == "measured" and bases(()) == ""


def test_no_view_has_a_phrase_of_another():
    """A function of one name in two views is one phrase made twice."""
    once = {"steps_text", "step_text", "grouped", "signed", "bases"}
    for path in VIEWS:
        made = {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)}
        assert not made & once, path
