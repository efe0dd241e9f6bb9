"""`edgekit inspect` as it is called: a page, one JSON document, one line, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from edgekit.cli.main import main

GOLDEN = Path(__file__).resolve().parent.parent / "golden"
INT8 = GOLDEN / "int8.tflite"


def ask(*arguments):
    return CliRunner().invoke(main, ["inspect", *map(str, arguments)])


def test_the_page_has_every_operator_the_heaviest_first():
    done = ask(INT8)
    assert done.exit_code == 0
    places = [done.stdout.index(f" {label} ") for label in ("hidden", "convolution", "depthwise", "flat")]
    assert places == sorted(places)
    assert "75.3%" in done.stdout  # 4,052 of 5,384 bytes are no operator's


def test_json_is_one_document_with_the_order_that_was_asked_for():
    found = json.loads(ask(INT8, "--json", "--by", "macs", "--top", "1").stdout)
    assert (found["order"], [row["index"] for row in found["operators"]]) == ("macs", [0, 1, 3, 4, 2, 5])
    assert json.loads(ask(INT8, "--json", "--in-order").stdout)["order"] == "model"


def test_quiet_is_one_line():
    assert ask(INT8, "-q").stdout == (
        f"{INT8}  6 operators  5.3 KiB flash, 2.9 KiB download, 288 B peak memory, 3.77 k macs, 1.27 k parameters\n"
    )


def test_top_says_what_it_left_out():
    done = ask(INT8, "--top", "2")
    assert "4 more operators with 96 B of flash" in " ".join(done.stdout.split())
    assert " flat " not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((GOLDEN / "int9.tflite",), "no such model file"),
        ((INT8, "--device", "rpi44"), "did you mean"),
        ((INT8, "--by", "latency"), "--device"),
        ((INT8, "--by", "size"), "'size' is not one of"),
        ((INT8, "--top", "0"), "--top"),
        ((GOLDEN / "missing.keras",), "does not exist"),
    ],
)
def test_what_is_wrong_is_a_message_and_code_2(arguments, says):
    done = ask(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert says in done.stderr and "Traceback" not in done.stderr


def test_no_model_and_no_project_is_a_message(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = ask()
    assert done.exit_code == 2 and "edgekit.toml" in done.stderr


def test_a_broken_project_is_no_obstacle_for_a_tflite(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "edgekit.toml").write_text("not toml")
    assert ask(INT8).exit_code == 0


def test_the_page_of_the_documentation_is_what_is_printed(monkeypatch):
    root = GOLDEN.parent.parent
    monkeypatch.chdir(root)
    monkeypatch.setenv("COLUMNS", "80")
    text = (root / "docs" / "inspect.md").read_text(encoding="utf-8")
    block = text.split("<!-- inspect: begin -->\n```console\n", 1)[1].split("```\n<!-- inspect: end -->", 1)[0]
    command, printed = block.split("\n", 1)
    done = ask(*command.split()[3:])
    assert [line.rstrip() for line in done.stdout.splitlines()] == printed.splitlines()
