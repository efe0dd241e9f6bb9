"""How plan, build and check answer: one JSON document on stdout, the exit code of the verdict, what was asked for.

What they call is replaced by functions that remember what they were given and answer with real values.
"""

from __future__ import annotations

import importlib
import inspect
import json
import sys
import types
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from edgekit.cli.main import main
from edgekit.documents.events import Ended
from edgekit.errors import LockError, MissingExtraError, ModelError

HOMES = {"build": "edgekit.api.build", "plan": "edgekit.api.plan", "check": "edgekit.api.check"}


class Result(msgspec.Struct):
    report: object
    path: Path
    folder: Path


@pytest.fixture
def engine(monkeypatch, sample_report, sample_plan):
    """Modules in the place of the real ones; `given` is what the command asked for, `answer` what it gets."""
    state = types.SimpleNamespace(given={}, report=sample_report, plan=sample_plan, problem=None)

    def results(device, value):
        return value if device is None or len(device) == 1 else [value] * len(device)

    def build(**given):
        state.given = given
        given["on_event"](Ended(outcome="pass"))
        print("a user's function prints")
        if state.problem:
            raise state.problem
        folder = Path(given["out"]) / "rpi4"
        return results(given["device"], Result(state.report, folder / "model.tflite", folder))

    def plan(**given):
        state.given = given
        return results(given["device"], state.plan)

    def check(tflite, **given):
        state.given = {"tflite": tflite, **given}
        return state.report

    for function in (build, plan, check):
        name = function.__name__
        module = types.ModuleType(HOMES[name])
        setattr(module, name, function)
        monkeypatch.setitem(sys.modules, HOMES[name], module)
    return state


def ask(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def failed(state):
    state.report = msgspec.structs.replace(state.report, outcome="fail")


def test_build_shows_the_report(engine):
    done = ask("build", "--device", "rpi4")
    assert done.exit_code == 0
    assert "PASS" in done.stdout and "Written to build/rpi4" in done.stdout
    assert "a user's function prints" not in done.stdout


def test_build_json_is_one_document_and_nothing_else(engine, sample_report):
    done = ask("build", "--device", "rpi4", "--json")
    assert json.loads(done.stdout) == json.loads(msgspec.json.encode(sample_report))
    assert "a user's function prints" in done.stderr


def test_several_devices_are_a_list(engine):
    done = ask("build", "--device", "rpi4", "--device", "host", "--json")
    assert [report["device"] for report in json.loads(done.stdout)] == ["rpi4", "rpi4"]
    assert engine.given["device"] == ("rpi4", "host")
    assert isinstance(json.loads(ask("plan", "--device", "a", "--device", "b", "--json").stdout), list)


def test_a_failed_check_is_code_1_and_the_report_is_there(engine):
    failed(engine)
    done = ask("build", "--device", "rpi4", "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["outcome"] == "fail"
    assert ask("check", "model.tflite", "--device", "rpi4").exit_code == 1


def test_events_go_to_a_file_or_have_standard_output_for_themselves(engine, tmp_path):
    line = {"event": "ended", "seconds": 0.0, "outcome": "pass", "error": "", "message": ""}
    done = ask("build", "--device", "rpi4", "--events", tmp_path / "events.jsonl")
    assert json.loads((tmp_path / "events.jsonl").read_text()) == line and "PASS" in done.stdout
    done = ask("build", "--device", "rpi4", "--events", "-")
    assert [json.loads(one) for one in done.stdout.splitlines()] == [line]
    assert "PASS" in done.stderr and "report.html" in done.stderr
    both = ask("build", "--device", "rpi4", "--events", "-", "--json")
    assert both.exit_code == 2 and "standard output" in both.stderr


def test_a_file_of_events_that_cannot_be_written_is_said_before_any_work(engine, tmp_path):
    done = ask("build", "--device", "rpi4", "--events", tmp_path / "no" / "events.jsonl")
    assert done.exit_code == 2 and "the events cannot be written" in done.stderr and engine.given == {}


def test_the_end_names_the_path_of_the_page(engine):
    assert "The page is build/rpi4/report.html" in ask("build", "--device", "rpi4").stdout


def test_quiet_is_one_line(engine):
    assert ask("build", "--device", "rpi4", "--quiet").stdout == "PASS  rpi4  int8  build/rpi4\n"


@pytest.mark.parametrize(
    ("problem", "code"),
    [(ModelError("no model", where="m.keras"), 2), (MissingExtraError("no tensorflow"), 3), (KeyboardInterrupt(), 130)],
)
def test_an_error_prints_nothing_on_stdout(engine, problem, code):
    engine.problem = problem
    done = ask("build", "--device", "rpi4", "--json")
    assert (done.exit_code, done.stdout) == (code, "")


def test_what_is_given_reaches_build(engine, tmp_path):
    ask(
        "build", "--device", "rpi4", "--project", tmp_path, "--model", "m.keras", "--data", "d.npz", "--import", "a",
        "--import", "b", "--max-drop", "0.5", "--max-flash", "1KiB", "--max-latency", "20ms", "--out", "o",
        "--goal", "download", "--time-budget", "2min", "--seed", "7", "--workers", "2", "--trust", "--no-cache",
        "--student", "s.keras",
    )  # fmt: skip
    given = dict(engine.given)
    assert callable(given.pop("progress")) and callable(given.pop("on_event"))
    assert given == {
        "device": ("rpi4",), "project": tmp_path, "model": "m.keras", "data": "d.npz", "imports": ("a", "b"),
        "max_drop": 0.5, "max_flash": 1024, "max_download": None, "max_ram": None, "max_latency": 20.0, "out": "o",
        "time_budget": 120.0, "seed": 7, "workers": 2, "trust": True, "cache": False, "lock": False, "locked": False,
        "scheduler": None, "emulate": None, "strict": None, "keep_names": None, "goal": "download",
        "student": "s.keras",
    }  # fmt: skip


def test_a_goal_that_there_is_not_is_bad_usage_and_nothing_is_done(engine):
    done = ask("build", "--device", "rpi4", "--goal", "small")
    assert done.exit_code == 2 and "'balanced', 'smallest', 'download', 'ram', 'fastest', 'accurate'" in done.stderr
    assert engine.given == {}


def test_devices_of_a_file_stand_beside_those_that_are_named(engine, tmp_path):
    (tmp_path / "fleet.txt").write_text("rpi4\nesp32-s3\n")
    ask("build", "--device", "pixel-4", "--devices-file", tmp_path / "fleet.txt", "--scheduler", "tcp://here:8786")
    assert engine.given["device"] == ("pixel-4", "rpi4", "esp32-s3") and engine.given["scheduler"] == "tcp://here:8786"


@pytest.mark.parametrize("kind", [ModelError, LockError])
def test_an_error_of_one_device_takes_nothing_from_the_others(engine, kind):
    problem, own = kind("1 of 2 devices could not be built"), kind("no such operator", where="m.keras")
    problem.finished = (Result(engine.report, Path("out/rpi4/model.tflite"), Path("out/rpi4")),)
    problem.failed, engine.problem = {"pico": own}, problem
    done = ask("build", "--device", "rpi4", "--device", "pico", "--json")
    report, failed = json.loads(done.stdout)
    assert done.exit_code == kind.exit_code and (report["device"], report["outcome"]) == ("rpi4", "pass")
    assert failed["device"] == "pico" and failed["what"] == "no such operator" and failed["outcome"] != "pass"
    assert ("differences" in failed) == (kind is LockError)
    page = ask("build", "--device", "rpi4", "--device", "pico")
    assert "Devices (1 of 2 passed)" in page.stdout and "no such operator" in page.stdout
    assert "1 of 2 devices could not be built" in page.stderr


def test_the_project_is_the_current_folder_unless_a_model_is_given(engine, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ask("plan")
    assert (engine.given["project"], engine.given["device"]) == (Path(), None)
    ask("plan", "--model", "m.keras")
    assert engine.given["project"] is None
    (tmp_path / "edgekit.toml").write_text("")
    ask("plan", "--model", "m.keras")
    assert engine.given["project"] == Path()


def test_plan_is_code_0_unless_proven_impossible(engine):
    assert ask("plan", "--device", "rpi4").exit_code == 0
    engine.plan = msgspec.structs.replace(engine.plan, outcome="impossible", reason="no RAM")
    done = ask("plan", "--device", "rpi4", "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["outcome"] == "impossible"


def test_check_gives_what_it_was_given(engine):
    done = ask(
        "check", "m.tflite", "--device", "rpi4", "--data", "d.npz", "--max-ram", "64KiB", "--json", "--threshold", "0"
    )
    assert done.exit_code == 0
    assert json.loads(done.stdout)["chosen"]["candidate"] == "int8"
    assert (engine.given["tflite"], engine.given["device"]) == (Path("m.tflite"), "rpi4")
    assert (engine.given["data"], engine.given["max_ram"], engine.given["threshold"]) == ("d.npz", 65_536, 0.0)


@pytest.mark.parametrize(
    ("name", "arguments"), [("build", ["build"]), ("plan", ["plan"]), ("check", ["check", "m.tflite"])]
)
def test_the_real_functions_take_what_the_commands_give(engine, monkeypatch, name, arguments):
    ask(*arguments, "--device", "rpi4")
    for module in HOMES.values():
        monkeypatch.delitem(sys.modules, module)
    function = getattr(importlib.import_module(HOMES[name]), name)
    parameters = inspect.signature(function).parameters
    assert set(engine.given) <= set(parameters)
