"""The command: lazy loading, errors as messages and exit codes, options with units."""

from __future__ import annotations

import errno
import importlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from edgekit import errors
from edgekit.cli import options
from edgekit.cli.main import COMMANDS, EXIT_FAULT, LazyGroup, main

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def raising(problem: BaseException) -> click.Group:
    """A group of the real class whose command `fail` raises."""

    @click.command("fail")
    @options.common
    def fail(as_json):
        raise problem

    class Group(LazyGroup):
        def get_command(self, ctx, cmd_name):
            return fail

        def resolve_command(self, ctx, args):
            return args[0], fail, args[1:]

    return Group("edgekit")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_its_file_and_its_line(name):
    command = importlib.import_module(f"edgekit.cli.{name}").command
    assert command.name == name
    assert command.short_help == COMMANDS[name]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_json_and_debug(name):
    done = CliRunner().invoke(main, [name, "--help"])
    assert done.exit_code == 0
    assert "--json" in done.stdout and "--debug" in done.stdout


@pytest.mark.parametrize(
    ("line", "named"),
    [
        (["build", "--device", "rpi4", "--out", ""], "--out"), (["build", "--device", "rpi4", "--model="], "--model"),
        (["check", "a.tflite", "--data", "", "--device", "rpi4"], "--data"), (["diet", ""], "an argument"),
        (["inspect", "", "--json"], "an argument"),
    ],
)  # fmt: skip
def test_an_empty_value_is_not_the_working_folder(line, named):
    done = CliRunner().invoke(main, line)
    assert done.exit_code == 2 and f"{named} is empty" in done.stderr


def test_the_list_of_commands():
    done = CliRunner().invoke(main, ["--help"])
    assert done.exit_code == 0
    assert all(line in done.stdout for line in COMMANDS.values())


@pytest.mark.parametrize(
    ("problem", "code", "told"),
    [
        (
            errors.ModelError("no model", where="m.keras", next_step="train one"),
            2,
            "error: no model\n  where: m.keras\n  next: train one\n",
        ),
        (errors.MissingExtraError("tensorflow is missing"), 3, "tensorflow is missing"),
        (errors.DeviceError("the board is off"), 4, "the board is off"),
        (errors.InterruptedBuild("stopped"), 130, "stopped"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/out/x"), 2, "No space left on device"),
        (RuntimeError("a bug"), EXIT_FAULT, "edgekit itself failed: RuntimeError: a bug"),
    ],
)
def test_an_error_is_a_message_and_a_code(problem, code, told):
    done = CliRunner().invoke(raising(problem), ["fail"])
    assert done.exit_code == code
    assert told in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_debug_adds_the_traceback():
    done = CliRunner().invoke(raising(errors.ModelError("no model")), ["fail", "--debug"])
    assert done.exit_code == 2
    assert "Traceback" in done.stderr and "error: no model" in done.stderr


def test_a_command_that_is_none():
    done = CliRunner().invoke(main, ["biuld"])
    assert done.exit_code == 2
    assert "did you mean 'build'?" in done.stderr


@pytest.mark.parametrize(
    ("option", "text", "expected"),
    [
        ("--max-flash", "512KiB", 524_288),
        ("--max-download", "1.5MB", 1_500_000),
        ("--max-ram", "64 KiB", 65_536),
        ("--max-latency", "2s", 2000.0),
        ("--max-drop", "0.5", 0.5),
    ],
)
def test_limits_with_units(option, text, expected):
    seen = {}

    @click.command()
    @options.limits
    def command(**given):
        seen.update(given)

    assert CliRunner().invoke(command, [option, text]).exit_code == 0
    assert seen.pop(option[2:].replace("-", "_")) == expected
    assert set(seen.values()) == {None}


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("--max-flash", "512"),
        ("--max-flash", "512KiBs"),
        ("--max-flash", "-1KiB"),
        ("--max-ram", "0B"),
        ("--max-latency", "20MB"),
        ("--max-drop", "nan"),
        ("--max-drop", "-1"),
        ("--max-drop", "inf"),
        ("--max-drop", "two"),
    ],
)
@pytest.mark.parametrize("command", ["plan", "build"])
def test_a_wrong_limit_is_named(command, option, text):
    done = CliRunner().invoke(main, [command, "--device", "rpi4", option, text])
    assert done.exit_code == 2
    assert f"where: {option}" in done.stderr
    assert text in done.stderr


def test_check_needs_a_device():
    done = CliRunner().invoke(main, ["check", "model.tflite"])
    assert done.exit_code == 2
    assert "--device" in done.stderr


WAITS = """
import signal, sys, time, types
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
slow = types.ModuleType("edgekit.api.build")
def build(**given):
    print("started", file=sys.stderr, flush=True)
    time.sleep(60)
slow.build = build
sys.modules["edgekit.api.build"] = slow
from edgekit.cli.main import main
main(["build", "--device", "rpi4"])
"""


def test_ctrl_c_is_a_message_and_code_130():
    root = Path(__file__).resolve().parents[2]
    child = subprocess.Popen([sys.executable, "-c", WAITS], stderr=subprocess.PIPE, cwd=root, text=True)
    assert child.stderr is not None
    assert child.stderr.readline() == "started\n"
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=20)
    assert child.returncode == 130
    assert "interrupted" in said and "Traceback" not in said


WITHIN_A_STRING = """
import sys, types
cut = types.ModuleType("edgekit.api.build")
def build(**given):
    exec("raise KeyboardInterrupt")
cut.build = build
sys.modules["edgekit.api.build"] = cut
from edgekit.cli.main import main
main(["build", "--device", "rpi4"])
"""


def test_an_interrupt_within_an_import_is_code_130_too(tmp_path):
    """Python, started with -m, would end by SIGINT after the exit code: see `edgekit.interrupts`."""
    (tmp_path / "cut_short.py").write_text(WITHIN_A_STRING)
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-m", "cut_short"], capture_output=True, cwd=tmp_path, text=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    )  # fmt: skip
    assert done.returncode == 130, done.stderr
    assert "interrupted" in done.stderr and "Traceback" not in done.stderr


def test_there_is_one_version():
    project = tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    done = CliRunner().invoke(main, ["--version"])
    assert done.exit_code == 0
    assert done.stdout.split()[:2] == ["edgekit", project["project"]["version"]]


def test_a_file_name_that_is_no_utf8_is_bad_input_and_no_fault_of_edgekit(tmp_path):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/m\xff.tflite")
    shutil.copy(Path(__file__).parents[1] / "golden" / "int8.tflite", path)
    done = CliRunner().invoke(main, ["check", path, "--device", "rpi4"])
    assert done.exit_code == 2 and "is not UTF-8" in done.stderr
