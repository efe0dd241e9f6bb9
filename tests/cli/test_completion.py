"""Completion: what a shell is offered, asked by the scripts themselves where the shell is here."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from edgekit.cli.completion import SHELLS
from edgekit.cli.main import COMMANDS, main
from edgekit.devices.bundled import profile_ids

ROOT = Path(__file__).resolve().parent.parent.parent
# Sourced, bash's own functions for a completion that is going on are not there: this is what it would have done.
ASK = """
compopt() { :; }
eval "$(edgekit completion bash)"
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_edgekit_completion edgekit
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture
def path(tmp_path, monkeypatch) -> Path:
    """A folder with models in it, and `edgekit` of this checkout as the command."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "edgekit"
    script.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m edgekit "$@"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    work = tmp_path / "work"
    (work / "sub").mkdir(parents=True)
    for name in ("a model.tflite", "b.keras", "c.h5", "d.onnx", "e.pt2", "notes.txt", ".hidden.tflite", "own.toml"):
        (work / name).write_text("")
    monkeypatch.chdir(work)
    return work


def offered(*words: str) -> list[str]:
    """What bash is offered for the last of the words."""
    done = subprocess.run(["bash", "--norc", "-c", ASK, "ask", *words], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return done.stdout.splitlines() if done.stdout != "\n" else []


def test_commands(path):
    assert offered("edgekit", "") == list(COMMANDS)
    assert offered("edgekit", "in") == [name for name in COMMANDS if name.startswith("in")]


def test_device_ids_of_an_option(path):
    ids = list(profile_ids())
    assert offered("edgekit", "build", "--device", "rp") == [name for name in ids if name.startswith("rp")]
    assert "rpi4" in offered("edgekit", "check", "x.tflite", "--device", "rpi")
    assert offered("edgekit", "build", "--device", "rpi4", "--device", "ho") == ["host"]
    assert offered("edgekit", "build", "--device", "=", "rp") == offered("edgekit", "build", "--device", "rp")
    assert offered("edgekit", "build", "--device", "=") == ids
    assert offered("edgekit", "devices", "esp") == ["esp32-s3"]


def test_a_profile_of_ones_own_where_no_id_begins_so(path):
    assert offered("edgekit", "build", "--device", "./") == ["./own.toml", "./sub"]


def test_options(path):
    assert {"--max-drop", "--max-flash", "--max-ram"} <= set(offered("edgekit", "build", "--max-"))
    assert offered("edgekit", "inspect", "x.tflite", "--by", "m") == ["memory", "macs"]


def test_files_of_the_kind_that_a_command_takes(path):
    assert offered("edgekit", "inspect", "") == ["a model.tflite", "b.keras", "c.h5", "d.onnx", "e.pt2", "sub"]
    assert offered("edgekit", "check", "") == ["a model.tflite", "sub"]
    assert offered("edgekit", "plan", "--model", "") == ["a model.tflite", "b.keras", "c.h5", "d.onnx", "e.pt2", "sub"]
    assert offered("edgekit", "plan", "--student", "") == ["b.keras", "c.h5", "d.onnx", "e.pt2", "sub"]
    assert offered("edgekit", "inspect", ".h") == [".hidden.tflite"]


@pytest.mark.parametrize(
    "words", [("nocommand", "x"), ("build", "--max-ram", "nonsense", "--seed", ""), ("inspect", "no/such/folder/")]
)
def test_what_makes_no_sense_is_offered_nothing(path, words):
    assert offered("edgekit", *words) == []


def test_a_wrong_value_before_it_is_no_obstacle(path):
    assert "rpi4" in offered("edgekit", "build", "--max-ram", "nonsense", "--device", "rpi")


def typed(shell: list[str], lines: list[str], marks: list[str]) -> str:
    """What an interactive shell shows when it is typed at, each line until its mark is there."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvpe(shell[0], shell, {**os.environ, "TERM": "dumb", "PS1": "$ ", "HOME": os.getcwd()})
    seen = ""
    try:
        for line, mark in zip(lines, marks, strict=True):
            os.write(terminal, line.encode())
            end, before = time.monotonic() + 30, len(seen)
            while mark not in plain(seen[before:]) and time.monotonic() < end:
                if select.select([terminal], [], [], 0.1)[0]:
                    seen += os.read(terminal, 65536).decode(errors="replace")
            assert mark in plain(seen[before:]), plain(seen)
        return plain(seen)
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        os.close(terminal)


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[=>]|\x1b\][^\x07]*\x07|[\x07\r]", "", text)


def test_in_an_interactive_bash(path):
    seen = typed(
        ["bash", "--norc", "-i"],
        [
            'eval "$(edgekit completion bash)"; echo rea""dy\n',
            "edgekit build --device rp\t\t\t",
            "\x15edgekit inspect a\t",
            "\x15edgekit devices pixel-8\t\x15exit\n",
        ],
        ["ready", "rpi5", r"a\ model.tflite ", "pixel-8 "],
    )
    assert "rpi4" in seen


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_in_other_shells(path, shell):
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} here")
    prepare = {
        "zsh": 'autoload -Uz compinit; compinit -u; eval "$(edgekit completion zsh)"; echo rea""dy\n',
        "fish": "edgekit completion fish | source; echo rea''dy\n",
    }[shell]
    typed(
        [shell, "-f", "-i"] if shell == "zsh" else [shell, "--no-config", "-i"],
        [prepare, "edgekit build --device=esp\t", "\x15edgekit inspect a\t"],
        ["ready", "esp32-s3", "model.tflite"],
    )


@pytest.mark.parametrize("shell", SHELLS)
def test_by_clicks_own_protocol(path, shell):
    """Each shell's answer has the ids, in the form that its script reads."""
    environment = {"_EDGEKIT_COMPLETE": f"{shell}_complete", "COMP_WORDS": "edgekit devices esp", "COMP_CWORD": "2"}
    if shell == "fish":
        environment["COMP_CWORD"] = "esp"
    done = subprocess.run(["edgekit"], env={**os.environ, **environment}, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.match(r"plain[,\n]esp32-s3", done.stdout)


def test_the_command_prints_the_script_and_knows_no_other_shell():
    for shell in SHELLS:
        done = CliRunner().invoke(main, ["completion", shell])
        assert done.exit_code == 0 and f"_EDGEKIT_COMPLETE={shell}_complete" in done.stdout
    assert CliRunner().invoke(main, ["completion", "tcsh"]).exit_code == 2
    assert CliRunner().invoke(main, ["completion", "bash", "--json"]).stdout.startswith("{")


def test_bash_takes_the_script_without_a_word():
    script = CliRunner().invoke(main, ["completion", "bash"]).stdout
    done = subprocess.run(["bash", "--norc", "-n"], input=script, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
