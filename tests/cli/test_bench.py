"""The command `bench`: its document, its page, its exit codes."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def bench(edgekit_command, int8_model, tmp_path):
    folder = tmp_path / "here"
    folder.mkdir()

    def run(*arguments, model=int8_model, device="host", **variables):
        given = ("bench", model, "--device", device, "--runs", "3", "--seconds", "0.02", *arguments)
        return edgekit_command(*given, folder=folder, EDGEKIT_DEVICES=str(tmp_path / "devices"), **variables)

    return run


def test_json_is_one_document_and_what_is_measured_elsewhere_does_not_pass(bench, tmp_path):
    done = bench("--json", device="rpi4")
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)
    assert {"latency", "load_ms", "first_ms", "memory", "operators", "environment", "agreement", "checks"} <= set(found)
    assert {"min_ms", "median_ms", "p90_ms", "p99_ms", "runs", "steady"} <= set(found["latency"])
    assert found["agreement"]["bit_for_bit"] is True and found["latency"]["median_ms"] > 0
    assert found["outcome"] == "fail" and found["foreign"] and not found["counts"]
    assert {check["name"] for check in found["checks"] if check["outcome"] == "unknown"} == {"ram"}
    kept = Path(found["kept"])
    assert kept.parent == tmp_path / "devices" / "rpi4.measurements"
    assert json.loads(kept.read_bytes())["document"]["latency"]["runs_ms"] == found["latency"]["runs_ms"]


def test_the_command_of_the_page_runs_and_shows_where_and_what(edgekit_command, tmp_path):
    text = (ROOT / "docs" / "on-device.md").read_text(encoding="utf-8")
    line = text.split("<!-- command: local -->\n```bash\n", 1)[1].split("\n", 1)[0]
    done = edgekit_command(*shlex.split(line)[1:], folder=ROOT, EDGEKIT_DEVICES=str(tmp_path / "devices"))
    assert done.returncode == 0, done.stderr
    for said in ("edgekit bench host", "median of", "bit for bit", "the measurement was not kept", "(local)"):
        assert said in " ".join(done.stdout.split()), done.stdout
    assert not (tmp_path / "devices").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--on", "ssh://pi:secret@board"), 2, "a password in an address"),
        (("--on", "telnet://board"), 2, "not a place to run a model"),
        (("--input", "nowhere.npy"), 2, "there is no such file"),
        (("--python", "/nowhere/python"), 3, "there is no /nowhere/python"),
        (("--sustained", "2", "--on", "emulator"), 2, "an emulator tells no time"),
        (("--threads", "0"), 2, "not a number of threads"),
    ],
)
def test_what_cannot_be_done_has_its_exit_code(bench, arguments, code, said):
    device = "rpi4" if "emulator" in arguments else "host"
    done = bench(*arguments, device=device)
    assert done.returncode == code, done.stderr
    assert said in done.stderr and "Traceback" not in done.stderr and done.stdout == ""
    assert "secret" not in done.stderr


def test_a_device_that_is_not_connected_is_exit_code_4(bench):
    done = bench("--on", "ssh://nobody@127.0.0.1:1", EDGEKIT_SSH="ssh -F /dev/null")
    assert done.returncode == 4, done.stderr
    assert "the board refuses the connection" in done.stderr


def test_where_nothing_can_be_kept_is_said_before_anything_is_measured(bench, tmp_path):
    (tmp_path / "devices").write_text("a file")
    done = bench("--on", "ssh://nobody@127.0.0.1:1")
    assert done.returncode == 2, done.stderr
    assert "the measurement cannot be kept" in done.stderr and "--no-keep" in done.stderr


def test_a_microcontroller_is_not_reached(bench):
    done = bench(device="nucleo-h7a3zi")
    assert done.returncode == 2 and "edgekit check" in done.stderr


def test_an_interrupted_bench_leaves_nothing(int8_model, tmp_path):
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    variables = {"TMPDIR": str(temporary), "EDGEKIT_DEVICES": str(tmp_path / "devices"), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "edgekit", "bench", str(int8_model), "--device", "host", "--seconds", "60"]
    child = subprocess.Popen(command, env={**os.environ, **variables}, stderr=subprocess.PIPE, text=True)
    while not any(temporary.glob("edgekit-??????????/model.tflite")) and child.poll() is None:
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=30)
    assert child.returncode == 130 and "interrupted" in said
    until = time.monotonic() + 10
    while any(temporary.iterdir()) and time.monotonic() < until:
        time.sleep(0.1)
    assert list(temporary.iterdir()) == []
    assert not (tmp_path / "devices").exists()


def test_a_folder_is_told_from_a_file_that_is_not_there(bench, tmp_path):
    done = bench(model=tmp_path)
    assert done.returncode == 2 and "a folder is no model" in done.stderr
