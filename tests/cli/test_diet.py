"""`edgekit diet` as it is called: a page, one JSON document, one line, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import edgekit.api.diet
from edgekit.cli.main import main
from edgekit.cli.render.console import make_console
from edgekit.cli.render.diet import print_diet
from edgekit.documents.diet import DietResult, Proof, RuntimeProof

GOLDEN = Path(__file__).resolve().parent.parent / "golden"
INT8 = GOLDEN / "int8.tflite"


def ask(*arguments):
    return CliRunner().invoke(main, ["diet", *map(str, arguments)])


def test_the_page_says_what_went_and_what_ran(tmp_path):
    done = ask(INT8, "--out", tmp_path / "small.tflite", "--inputs", "4")
    said = " ".join(done.stdout.split())
    assert done.exit_code == 0 and said.startswith("PASS ")
    assert "flash 5.3 KiB to 3.5 KiB (-32.6%)" in said and "names 896 16.6%" in said
    assert "with XNNPACK: 4 inputs, the delegate takes the same 5 of 6 operators" in said
    assert f"Written to {tmp_path}/small.tflite" in done.stdout.replace("\n", "")


def test_json_is_one_document():
    found = json.loads(ask(INT8, "--json", "--no-proof").stdout)
    assert (found["flash_before"], found["flash_after"], found["out"], found["proof"]) == (5384, 3628, None, None)


def test_quiet_is_one_line():
    assert ask(INT8, "-q", "--no-proof").stdout == f"PASS  {INT8}  5.3 KiB to 3.5 KiB (-32.6%)\n"


def test_names_kept_cost_bytes():
    kept = json.loads(ask(INT8, "--json", "--no-proof", "--keep-names").stdout)
    assert kept["flash_after"] > 4400 and "names" not in {saving["kind"] for saving in kept["savings"]}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((GOLDEN / "int9.tflite",), "no such model file"),
        ((GOLDEN,), "received: a folder"),
        ((INT8, "--out", INT8), "the file to write is the one that is read"),
        ((INT8, "--out", "x.tflite", "--in-place"), "two places to write to"),
        ((INT8, "--inputs", "0"), "--inputs"),
        ((Path(__file__),), "not a .tflite file"),
    ],
)
def test_what_is_wrong_is_a_message_and_code_2(arguments, says):
    done = ask(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert says in done.stderr and "Traceback" not in done.stderr


def test_another_output_is_code_1(monkeypatch):
    monkeypatch.setattr(edgekit.api.diet, "diet", lambda *_, **__: different())
    done = ask(INT8, "--in-place")
    assert done.exit_code == 1 and "FAIL" in done.stdout and "Nothing was written." in done.stdout


def different() -> DietResult:
    one = RuntimeProof(runtime="LiteRT", outcome="different", asked=200, inputs=7, reason="input 6: \x1b[2J differs")
    return DietResult(
        outcome="fail", path="model.tflite", reason="it computes something else", flash_before=10, flash_after=9,
        download_before=10, download_after=9, notes=("a \x1b note",), proof=Proof(outcome="different", runtimes=(one,)),
    )  # fmt: skip


def test_words_of_a_file_reach_the_terminal_without_control_characters(capsys):
    print_diet(different(), console=make_console())
    said = capsys.readouterr().out
    assert "\x1b" not in said and "input 6: ?[2J differs" in said and "a ? note" in said


def test_the_page_of_the_documentation_is_what_is_printed(monkeypatch):
    root = GOLDEN.parent.parent
    monkeypatch.chdir(root)
    monkeypatch.setenv("COLUMNS", "80")
    text = (root / "docs" / "diet.md").read_text(encoding="utf-8")
    block = text.split("<!-- diet: begin -->\n```console\n", 1)[1].split("```\n<!-- diet: end -->", 1)[0]
    command, printed = block.split("\n", 1)
    done = ask(*command.split()[3:], "--no-proof")
    proof = printed.split("Both on", 1)[0].rstrip().splitlines()
    assert [line.rstrip() for line in done.stdout.splitlines()][: len(proof)] == proof
