"""`edgekit doctor` as it is called: its page, its document, its exit code."""

from __future__ import annotations

import json
import sys

import msgspec
import pytest
from click.testing import CliRunner

from edgekit.api import doctor as diagnosis
from edgekit.api.doctor import examine
from edgekit.cli.main import main
from edgekit.machine import installed


@pytest.fixture(scope="module")
def health():
    return examine()


@pytest.fixture
def found(health, monkeypatch):
    """What the command is answered with; the test may change it."""
    state = {"health": health, "asked": {}}

    def answer(**given):
        state["asked"] = given
        return state["health"]

    monkeypatch.setattr(diagnosis, "examine", answer)
    return state


def ask(*arguments):
    return CliRunner().invoke(main, ["doctor", *arguments])


def test_the_page_names_what_works_and_is_code_0(found):
    done = ask()
    assert done.exit_code == 0 and "WORKS" in done.stdout
    assert "LiteRT" in done.stdout and "rpi-zero-w" in done.stdout


def test_json_is_one_document(found):
    done = ask("--json", "--deep")
    assert json.loads(done.stdout)["schema_version"] == 1
    assert found["asked"]["deep"] is True


def test_what_is_broken_is_code_1_and_said_first(found):
    found["health"] = msgspec.structs.replace(
        found["health"], outcome="broken", problems=("LiteRT does not work: why",)
    )
    done = ask()
    assert done.exit_code == 1 and "LiteRT does not work: why" in done.stdout
    assert ask("--quiet").stdout.splitlines()[1] == "  LiteRT does not work: why"


def test_the_line_that_installs_is_whole(found):
    (litert, *rest) = found["health"].abilities
    line = '/a/long/path/to/an/environment/of/somebody/bin/python -m pip install "edgekit-tflite[micro]"'
    missing = msgspec.structs.replace(litert, outcome="missing", install=line)
    found["health"] = msgspec.structs.replace(found["health"], abilities=(missing, *rest))
    assert f"    {line}\n" in ask().stdout


def test_a_base_that_is_not_there_is_the_answer_with_its_line(monkeypatch):
    installed.wanted.cache_clear()
    monkeypatch.setitem(sys.modules, "packaging.requirements", None)
    done = ask()
    installed.wanted.cache_clear()
    assert (done.exit_code, done.stdout) == (3, "")
    assert "packaging" in done.stderr and 'pip install "edgekit-tflite"' in done.stderr
