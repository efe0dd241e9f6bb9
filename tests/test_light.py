"""Light at the edges: no light command imports TensorFlow, and `--help` loads no more than click and numpy do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from edgekit.cli.main import COMMANDS

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = Path(__file__).parent / "golden"
HEAVY = (
    "tensorflow",
    "tf_keras",
    "keras",
    "tensorflow_model_optimization",
    "distributed",
    "dask",
    "onnx",
    "onnxruntime",
    "torch",
    "onnxscript",
)
NEVER_FOR_HELP = (*HEAVY, "numpy", "scipy", "rich", "msgspec", "psutil", "ai_edge_litert")
# Runs the command in the child itself and says which modules it ended with.
CHILD = """
import sys
sys.argv = ["edgekit", *sys.argv[1:]]
from edgekit.cli.main import main
if sys.argv[1:2] == ["help"]:
    for words in ([], *([name] for name in sys.argv[2:])):
        try:
            main([*words, "--help"], prog_name="edgekit")
        except SystemExit as end:
            assert end.code == 0, words
    sys.argv[1:] = ["--version"]
try:
    main(prog_name="edgekit")
except SystemExit as end:
    print("MODULES", end.code, *sorted({name.split(".")[0] for name in sys.modules}), file=sys.stderr)
"""


def run(*arguments: str, folder: Path = ROOT) -> tuple[str, set[str], str]:
    """Exit code, top-level modules and the output of a command in a child process."""
    environment_free = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{CHILD}", *arguments]
    done = subprocess.run(environment_free, cwd=folder, capture_output=True, text=True, timeout=120)
    last = next(line for line in reversed(done.stderr.splitlines()) if line.startswith("MODULES"))
    _, code, *modules = last.split()
    return code, set(modules), done.stdout + done.stderr


def test_help_imports_nothing_heavy():
    """Of all commands one after another in one process, which ends with the modules that any of them imports."""
    code, modules, output = run("help", *COMMANDS)
    assert code == "0" and output.count("Usage: edgekit") == 1 + len(COMMANDS)
    assert modules.isdisjoint(NEVER_FOR_HELP)


@pytest.mark.parametrize("arguments", [("devices",), ("devices", "rpi4"), ("devices", "--json")])
def test_devices_imports_no_tensorflow(arguments):
    code, modules, _ = run(*arguments)
    assert code == "0"
    assert modules.isdisjoint(HEAVY)
    assert "numpy" not in modules


def test_init_imports_no_tensorflow(tmp_path):
    code, modules, _ = run("init", folder=tmp_path)
    assert code == "0"
    assert modules.isdisjoint(HEAVY)


def test_check_imports_no_tensorflow():
    code, modules, output = run("check", str(GOLDEN / "int8.tflite"), "--device", "rpi4")
    assert code in ("0", "1"), output
    assert modules.isdisjoint(HEAVY)


def test_bench_imports_neither_tensorflow_nor_an_interpreter():
    """The interpreter is loaded by the runner alone, wherever that runs."""
    code, modules, output = run(
        "bench", str(GOLDEN / "int8.tflite"), "--device", "host", "--runs", "3", "--seconds", "0", "--no-keep"
    )
    assert code == "0", output
    assert modules.isdisjoint({*HEAVY, "scipy", "ai_edge_litert", "tflite_runtime"})


@pytest.mark.parametrize("more", [(), ("--device", "rpi4"), ("--json",)])
def test_inspect_of_a_tflite_imports_no_tensorflow(more):
    code, modules, output = run("inspect", str(GOLDEN / "int8.tflite"), *more)
    assert code == "0", output
    assert modules.isdisjoint(HEAVY)
    assert "numpy" not in modules or "--device" in more


@pytest.mark.parametrize("more", [(), ("--json",), ("--fail-if", "flash>+90%", "-q")])
def test_compare_imports_neither_tensorflow_nor_an_interpreter(more):
    code, modules, output = run("compare", str(GOLDEN / "int8.tflite"), str(GOLDEN / "float16.tflite"), *more)
    assert code == "0", output
    assert modules.isdisjoint({*HEAVY, "scipy", "ai_edge_litert", "tflite_micro"})


@pytest.mark.parametrize("more", [("--no-proof",), ("--inputs", "2")])
def test_diet_imports_neither_tensorflow_nor_an_interpreter(more):
    code, modules, output = run("diet", str(GOLDEN / "int8.tflite"), *more)
    assert code == "0", output
    assert modules.isdisjoint({*HEAVY, "scipy", "ai_edge_litert", "tflite_micro"})
    assert "numpy" not in modules or "--inputs" in more


def test_doctor_imports_neither_tensorflow_nor_an_interpreter():
    code, modules, output = run("doctor")
    assert code == "0", output
    assert modules.isdisjoint({*HEAVY, "scipy", "ai_edge_litert", "tflite_micro"})


@pytest.mark.parametrize("words", ["edgekit ", "edgekit build --device rp", "edgekit inspect tests/golden/"])
def test_completion_imports_nothing_heavy(words, monkeypatch):
    monkeypatch.setenv("_EDGEKIT_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(words.count(" ")))
    code, modules, output = run()
    assert code == "0", output
    assert modules.isdisjoint({*NEVER_FOR_HELP, "msgspec"} - ({"msgspec"} if "--device" in words else set()))


def test_build_of_a_folder_without_a_project_is_a_message(tmp_path):
    code, modules, output = run("build", "--device", "rpi4", folder=tmp_path)
    assert code == "2"
    assert "edgekit.toml" in output and "Traceback" not in output
    assert modules.isdisjoint(HEAVY)


def test_help_loads_no_more_than_click_and_numpy_do():
    """Start-up costs what is imported; the seconds are in docs/benchmarks.md."""
    ours = imported("-m", "edgekit", "--help")
    own = {name for name in ours if name.split(".")[0] == "edgekit"}
    face = {"edgekit", "edgekit.documents", "edgekit.documents.views", "edgekit.version"}
    assert own == face | {"edgekit.cli", "edgekit.cli.main", "edgekit.errors"}
    assert len(ours) < len(imported("-c", "import click, numpy"))


def imported(*arguments: str) -> set[str]:
    """The modules that Python loads for a command."""
    command = [sys.executable, "-X", "importtime", *arguments]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=120)
    return {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
