"""The packed runner on tflite-runtime 2.14 with an old Python and numpy, in a virtual environment made for it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from edgekit.boards.runner_protocol import answer, document

ROOT = Path(__file__).parents[3]
NAMES = ("python3.8", "python3.9", "python3.10", "python3.11")
# pyenv's shims answer only for the versions that are switched on; its interpreters lie here.
PYENV = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"


def interpreter() -> str | None:
    """The oldest Python from 3.8 to 3.11 that is here and starts."""
    for name in NAMES:
        found = [shutil.which(name), *PYENV.glob(f"{name.removeprefix('python')}.*/bin/python")]
        for path in filter(None, found):
            if subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode == 0:
                return str(path)
    return None


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """The Python of the virtual environment."""
    base = interpreter()
    if base is None:
        pytest.skip("no Python from 3.8 to 3.11 is here")
    folder = tmp_path_factory.mktemp("old") / "venv"
    made = subprocess.run([base, "-m", "venv", folder], capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"no virtual environment can be made: {made.stdout[-200:]}")
    install = [folder / "bin" / "python", "-m", "pip", "install", "-q", "tflite-runtime==2.14.0", "numpy<2"]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"tflite-runtime 2.14.0 cannot be installed: {done.stderr[-300:]}")
    return folder / "bin" / "python"


def run(python, name, *arguments):
    command = [python, ROOT / "edgekit/boards/edgekit-bench.pyz", ROOT / f"tests/golden/{name}.tflite", *arguments]
    return subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, timeout=120, check=False)


def ran(python, name, *arguments):
    done = run(python, name, *arguments)
    assert done.returncode == 0, done.stdout
    return document(done.stdout)


@pytest.mark.slow
def test_it_runs_there_and_says_what_the_old_runtime_delegates(python):
    found = ran(python, "float32", "--seconds", "0.2", "--sustained", "0.02")
    environment = found.environment
    assert (environment.runtime, environment.runtime_version) == ("tflite_runtime", "2.14.0")
    assert environment.numpy.startswith("1.") and tuple(map(int, environment.python.split("."))) < (3, 12)
    assert found.operators.by_delegate == {"xnnpack": 6, "none": 0} and found.memory.added_bytes > 0
    assert found.sustained.runs > 0 and found.latency.runs >= 50


@pytest.mark.slow
@pytest.mark.parametrize("name", ["int8", "lstm", "loop", "two_inputs"])
def test_the_golden_files_run_there_and_without_a_delegate(python, name):
    for delegate in ("xnnpack", "none"):
        found = ran(python, name, "--no-timing", "--delegate", delegate)
        assert found.operators.total >= 1 and found.outputs
        assert delegate == "xnnpack" or found.delegate.active is False


@pytest.mark.slow
def test_an_operator_that_it_does_not_know_is_named(python):
    done = run(python, "dynamic_range")
    assert done.returncode == 2
    assert "FULLY_CONNECTED" in answer(done.stdout).error.what
