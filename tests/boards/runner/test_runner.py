"""The packed runner as a board starts it: a process of its own, the real LiteRT, the golden files."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from edgekit.boards.runner_protocol import Refusal, Request, answer, document, facts, request_line
from edgekit.emit.schema import schema_text
from edgekit.measure.runtimes.litert import LiteRt
from edgekit.measure.runtimes.samples import random_inputs

ROOT = Path(__file__).parents[3]
RUNNER = ROOT / "edgekit" / "boards" / "edgekit-bench.pyz"
GOLDEN = ROOT / "tests" / "golden"
SHORT = ("--seconds", "0", "--runs", "5")
CORES = len(os.sched_getaffinity(0))

# A runtime whose calls do to the process what native code can do to it.
FAKE = """
import os, signal, sys, time
import numpy as np
WHAT = os.environ["FAKE"]
if WHAT == "import":
    os.kill(os.getpid(), signal.SIGILL)
class Interpreter:
    def __init__(self, model_path, num_threads):
        if WHAT == "load":
            print("native code says goodbye", file=sys.stderr, flush=True)
            os.kill(os.getpid(), signal.SIGSEGV)
        if WHAT == "memory":
            raise MemoryError
        if WHAT == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if WHAT == "surprise":
            raise KeyError("unheard of")
    def get_input_details(self):
        kind = np.bytes_ if WHAT == "text" else np.float32
        return [dict(index=0, name="x\\x1b[2J" + "y" * 3000, shape=[1], dtype=kind, quantization=(0.0, 0))]
    get_output_details = get_input_details
    def allocate_tensors(self): pass
    def set_tensor(self, place, value): pass
    def reset_all_variables(self): pass
    def get_tensor(self, place): return np.ones(1, np.float32)
    def invoke(self):
        if WHAT == "hang":
            open(os.environ["FAKE_PID"], "w").write(str(os.getpid()))
            while True: time.sleep(0.01)
"""


def run(*arguments, environment=None, **options):
    return subprocess.run(
        [sys.executable, RUNNER, *map(str, arguments)],
        capture_output=True, timeout=60, env={**os.environ, **(environment or {})}, check=False, **options,
    )  # fmt: skip


def ran(*arguments, **options):
    done = run(*arguments, **options)
    assert done.returncode == 0, done
    jsonschema.validate(json.loads(done.stdout), json.loads(schema_text("bench.schema.json")))
    return document(done.stdout)


def refused(*arguments, code=2, **options):
    done = run(*arguments, **options)
    found = answer(done.stdout)
    assert isinstance(found, Refusal) and done.returncode == code, done
    assert done.stderr.decode().splitlines()[0] == found.error.what
    return found.error


@pytest.fixture
def faked(tmp_path):
    """The environment in which a fake of LiteRT does `what`."""
    package = tmp_path / "fake" / "ai_edge_litert"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "interpreter.py").write_text(FAKE)
    return lambda what: {"FAKE": what, "PYTHONPATH": str(package.parent), "FAKE_PID": str(tmp_path / "pid")}


@pytest.fixture(scope="module")
def int8(tmp_path_factory):
    """A whole run of a model that LiteRT's XNNPACK takes but for its last operator, and the folder of its outputs."""
    folder = tmp_path_factory.mktemp("runner") / "out puts"
    return ran(GOLDEN / "int8.tflite", "--seconds", "0.1", "--outputs", folder), folder


def test_the_document_says_what_ran(int8):
    found, _ = int8
    data = (GOLDEN / "int8.tflite").read_bytes()
    assert (found.model.name, found.model.bytes) == ("int8.tflite", len(data))
    assert found.model.sha256 == hashlib.sha256(data).hexdigest()
    assert (found.environment.runtime, found.environment.threads) == ("litert", 1)
    assert LiteRt().describe() == f"LiteRT {found.environment.runtime_version}"
    assert found.environment.numpy == np.__version__
    assert found.environment.machine == os.uname().machine and found.environment.cores >= 1
    assert found.latency.runs >= 50 and found.latency.timed_s >= 0.1
    assert found.load_ms > 0 and found.first_ms > 0


def test_memory_is_that_of_a_process_of_its_own(int8):
    found, _ = int8
    assert found.memory.peak_bytes > found.memory.added_bytes > 0
    assert found.memory.added_bytes < 500_000, "a model of 5 KB: what numpy and the runtime take is not counted to it"
    assert found.memory.peak_bytes > 10_000_000, "Python and numpy alone hold more"


def test_what_the_delegate_took_is_counted_and_what_it_left_is_named(int8):
    operators = int8[0].operators
    assert (operators.total, operators.by_delegate, operators.left) == (6, {"xnnpack": 5, "none": 1}, ("SOFTMAX",))
    assert operators.profile is None and "profiler" in operators.reason
    assert int8[0].delegate.active is True and "5 of 6" in int8[0].delegate.reason


def test_outputs_are_those_of_the_hosts_own_run_of_the_same_seed(int8):
    found, folder = int8
    session = LiteRt().open(GOLDEN / "int8.tflite")
    inputs = random_inputs(session.inputs, seed=0)
    assert found.inputs[0].sha256 == hashlib.sha256(inputs[0].tobytes()).hexdigest()
    (expected,) = session.run(inputs)
    got = np.load(folder / found.outputs[0].file)
    assert np.array_equal(got, expected) and got.dtype == expected.dtype
    assert found.outputs[0].sha256 == hashlib.sha256(expected.tobytes()).hexdigest()
    assert [path.name for path in folder.iterdir()] == ["output-0.npy"]


@pytest.mark.parametrize("name", ["two_inputs", "lstm", "loop", "dynamic_range"])
def test_random_inputs_are_the_hosts_and_state_begins_at_its_beginning(name, tmp_path):
    found = ran(GOLDEN / f"{name}.tflite", *SHORT, "--no-memory", "--seed", 3, "--outputs", tmp_path)
    session = LiteRt().open(GOLDEN / f"{name}.tflite")
    expected = session.run(random_inputs(session.inputs, seed=3))
    for output, array in zip(found.outputs, expected, strict=True):
        assert np.array_equal(np.load(tmp_path / output.file), array)


def test_without_a_delegate_none_is_there():
    found = ran(GOLDEN / "float32.tflite", *SHORT, "--no-memory", "--delegate", "none")
    assert found.delegate.active is False and found.operators.by_delegate == {"xnnpack": 0, "none": 6}
    assert not any("delegate" in note for note in found.notes)


def test_a_delegate_that_takes_nothing_is_noted():
    found = ran(GOLDEN / "int16x8.tflite", *SHORT, "--no-memory")
    assert found.delegate.active is False and "none of the 6" in found.delegate.reason
    assert any("xnnpack took none" in note for note in found.notes)


def test_without_timing_there_is_no_time_at_all():
    found = ran(GOLDEN / "int8.tflite", "--no-timing")
    assert (found.latency, found.load_ms, found.first_ms, found.sustained) == (None, None, None, None)
    assert found.outputs and found.memory.added_bytes > 0 and found.operators.total == 6


def test_sustained_and_progress():
    done = run(GOLDEN / "int8.tflite", *SHORT, "--no-memory", "--sustained", "0.015", "--progress")
    found = document(done.stdout)
    assert found.sustained.first.what == "first fifth" and found.sustained.minutes == 0.015
    assert found.sustained.runs > found.latency.runs == 5
    events = [json.loads(line) for line in done.stderr.splitlines()]
    assert {event["event"] for event in events} == {"progress"}
    assert {event["phase"] for event in events} >= {"warm-up", "sustained"}
    assert all(0 <= event["done"] <= event["total"] for event in events)


def test_inputs_come_from_files_and_a_free_dimension_takes_the_files_size(tmp_path):
    path = tmp_path / "a b'$(x).npy"
    session = LiteRt().open(GOLDEN / "float32.tflite")
    shape = tuple(
        5 if free else size for size, free in zip(session.inputs[0].shape, session.inputs[0].free, strict=True)
    )
    array = np.random.default_rng(1).random(shape, np.float32)
    np.save(path, np.asfortranarray(array))
    found = ran(GOLDEN / "float32.tflite", *SHORT, "--no-memory", "--input", path, "--outputs", tmp_path)
    assert found.inputs[0].shape == shape and found.inputs[0].source == str(path)
    expected = LiteRt().open(GOLDEN / "float32.tflite", shapes=[shape]).run([array])[0]
    assert np.array_equal(np.load(tmp_path / "output-0.npy"), expected)


@pytest.mark.parametrize(
    ("array", "word"),
    [
        (np.zeros((1, 8, 8, 1), np.float64), "float64"),
        (np.zeros((1, 8, 7, 1), np.float32), "7"),
        (np.zeros(3, np.float32), "[3]"),
        (np.zeros((0, 8, 8, 1), np.float32), "[0, 8, 8, 1]"),
        (b"not an array", "pickle"),
        (b"\x93NUMPY\x01\x00\xff\xff{", "npy"),
        (None, "No such file"),
    ],
)
def test_an_input_that_does_not_fit_is_refused(array, word, tmp_path):
    path = tmp_path / "x.npy"
    if isinstance(array, bytes):
        path.write_bytes(array)
    elif array is not None:
        np.save(path, array)
    error = refused(GOLDEN / "float32.tflite", "--input", path)
    assert error.kind == "input" and word in error.what + error.next


def test_objects_are_not_unpickled_and_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.npy")
    assert "not a file" in refused(GOLDEN / "int8.tflite", "--input", tmp_path / "pipe.npy").what
    np.save(tmp_path / "objects.npy", np.array([Touches(tmp_path / "touched")], dtype=object), allow_pickle=True)
    assert refused(GOLDEN / "int8.tflite", "--input", tmp_path / "objects.npy").kind == "input"
    assert not (tmp_path / "touched").exists()


class Touches:
    """Makes a file where it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_an_answer_that_cannot_be_written_is_one_line():
    with open("/dev/full", "wb") as full:
        for arguments, code in ((["--facts"], 1), (["absent.tflite"], 2)):
            done = subprocess.run(
                [sys.executable, RUNNER, *arguments], stdout=full, stderr=subprocess.PIPE, check=False
            )
            assert done.returncode == code and b"Traceback" not in done.stderr


def test_as_many_files_as_inputs_are_wanted(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((1, 2), np.float32))
    assert "2 inputs" in refused(GOLDEN / "two_inputs.tflite", "--input", tmp_path / "x.npy").what


def test_what_is_no_model_is_refused(tmp_path):
    (tmp_path / "text.tflite").write_text("hello")
    (tmp_path / "torn.tflite").write_bytes((GOLDEN / "int8.tflite").read_bytes()[:700])
    (tmp_path / "empty.tflite").touch()
    os.mkfifo(tmp_path / "pipe.tflite")
    for name in ("text", "torn", "empty", "pipe", "absent"):
        error = refused(tmp_path / f"{name}.tflite", *SHORT)
        assert error.kind in ("model", "crash") and error.next
    assert refused(tmp_path).kind == "model"
    assert refused("--threads", "0", GOLDEN / "int8.tflite").kind == "usage"


def test_a_delegate_that_cannot_be_loaded_is_refused(tmp_path):
    (tmp_path / "text.so").write_text("no library")
    for path in (tmp_path / "text.so", tmp_path / "absent.so"):
        assert refused(GOLDEN / "int8.tflite", "--delegate", path).kind == "delegate"


def test_outputs_that_cannot_be_written_are_an_error_and_leave_nothing(tmp_path):
    (tmp_path / "file").touch()
    assert refused(GOLDEN / "int8.tflite", *SHORT, "--outputs", tmp_path / "file").kind == "output"
    (tmp_path / "output-0.npy").mkdir()
    assert refused(GOLDEN / "int8.tflite", *SHORT, "--outputs", tmp_path).kind == "output"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "output-0.npy"]


@pytest.mark.parametrize(
    ("what", "kind", "code", "word"),
    [
        ("load", "crash", 2, "SIGSEGV"),
        ("kill", "killed", 1, "SIGKILL"),
        ("memory", "memory", 2, "memory"),
        ("surprise", "failed", 1, "unheard of"),
        ("text", "model", 2, "bytes"),
    ],
)
def test_whatever_native_code_does_there_is_an_answer(what, kind, code, word, faked):
    error = refused(GOLDEN / "int8.tflite", code=code, environment=faked(what))
    assert error.kind == kind and word in error.what
    assert what != "load" or "says goodbye" in error.what


def test_names_in_a_model_are_cut_and_have_no_control_characters(faked):
    found = ran(GOLDEN / "int8.tflite", *SHORT, "--no-memory", environment=faked("well"))
    assert found.inputs[0].name.startswith("x?[2Jyyy") and len(found.inputs[0].name) == 1000
    assert found.operators.total is None and found.delegate.active is None and "does not tell" in found.operators.reason


def test_a_runtime_whose_import_crashes_is_left_for_the_other(faked, tmp_path):
    other = tmp_path / "fake" / "tflite_runtime"
    shutil.copytree(tmp_path / "fake" / "ai_edge_litert", other)
    (other / "interpreter.py").write_text(FAKE.replace('WHAT == "import"', "False"))
    found = ran(GOLDEN / "int8.tflite", *SHORT, environment=faked("import"))
    assert found.environment.runtime == "tflite_runtime"
    assert "ai-edge-litert crashes" in found.notes[0] and "SIGILL" in found.notes[0]
    error = refused(GOLDEN / "int8.tflite", "--runtime", "litert", code=3, environment=faked("import"))
    assert error.kind == "missing"
    (other / "interpreter.py").write_text("raise OSError('GLIBC_2.38 not found')")
    error = refused(GOLDEN / "int8.tflite", code=3, environment=faked("import"))
    assert error.kind == "missing" and "SIGILL" in error.what and "GLIBC_2.38" in error.what


def test_a_runtime_that_is_broken_or_not_there_is_missing(tmp_path):
    for name in ("ai_edge_litert", "tflite_runtime"):
        (tmp_path / f"{name}.py").write_text("raise OSError('GLIBC_2.38 not found')")
    error = refused(GOLDEN / "int8.tflite", code=3, environment={"PYTHONPATH": str(tmp_path)})
    assert error.kind == "missing" and error.what.count("GLIBC_2.38") == 2 and "pip install" in error.next
    said = run("--facts", environment={"PYTHONPATH": str(tmp_path)})
    assert facts(said.stdout).environment.runtime is None and "GLIBC" in facts(said.stdout).notes[0]
    (tmp_path / "ai_edge_litert.py").write_text("raise SystemExit(5)")
    assert refused(GOLDEN / "int8.tflite", code=3, environment={"PYTHONPATH": str(tmp_path)}).kind == "missing"
    (tmp_path / "numpy.py").write_text("raise ImportError('no \x1b[31mBLAS')")
    error = refused(GOLDEN / "int8.tflite", code=3, environment={"PYTHONPATH": str(tmp_path)})
    assert "numpy" in error.what and "no ?[31mBLAS" in error.what


def test_more_threads_than_cores_are_noted():
    found = ran(GOLDEN / "int8.tflite", "--no-timing", "--no-memory", "--threads", CORES + 1)
    assert found.environment.threads == CORES + 1 and any(
        note.startswith(f"{CORES + 1} threads on") for note in found.notes
    )


def test_facts_are_the_environment_and_nothing_runs():
    found = facts(run("--facts").stdout)
    assert found.environment.runtime == "litert" and found.environment.threads is None
    assert found.environment.clocks_hz.after is None


@pytest.fixture
def asked(faked, tmp_path):
    """Starts the runner on a request, with a model that hangs or not, and hands out its process."""
    started = []

    def ask(what="hang", wait=True, **names):
        process = subprocess.Popen(
            [sys.executable, RUNNER, "--request", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env={**os.environ, **(faked(what) if what else {})}, cwd=tmp_path,
        )  # fmt: skip
        started.append(process)
        process.stdin.write(request_line(Request(model=str(GOLDEN / "int8.tflite"), **names)))
        process.stdin.flush()
        return process, working(tmp_path / "pid") if wait else None

    yield ask
    for process in started:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            stream.close()


def working(path):
    """The process number of the child, once it hangs."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if path.exists() and path.read_text():
            return int(path.read_text())
        time.sleep(0.01)
    raise AssertionError("the child did not start")


def gone(process_number):
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            os.kill(process_number, 0)
            if Path(f"/proc/{process_number}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.01)
    return False


def test_a_request_is_answered_while_the_host_keeps_in_touch(asked):
    process, _ = asked(None, wait=False, seconds=0, runs=5, no_memory=True, progress=True)
    process.stdin.write(b"\n\n")
    process.stdin.flush()
    found = document(process.stdout.read())
    assert process.wait(10) == 0 and found.latency.runs >= 5
    assert json.loads(process.stderr.readline())["event"] == "progress"


def test_the_end_of_the_hosts_input_ends_the_runner_and_its_child(asked):
    process, child = asked()
    process.stdin.close()
    assert process.wait(5) == 75 and gone(child)
    assert process.stdout.read() == b""


def test_silence_ends_it_too_and_a_byte_now_and_then_does_not(asked):
    process, child = asked(silence_s=1)
    began = time.monotonic()
    while time.monotonic() < began + 1.6:
        process.stdin.write(b"\n")
        process.stdin.flush()
        assert process.poll() is None
        time.sleep(0.2)
    assert process.wait(5) == 75 and gone(child)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_a_runner_that_is_killed_takes_its_child_along(number, code, asked):
    process, child = asked()
    process.send_signal(number)
    assert process.wait(5) == code and gone(child)


def test_a_host_that_reads_no_more_does_not_hold_the_runner(asked):
    process, _ = asked(None, wait=False, seconds=0.3, runs=60_000, longest=2, silence_s=2)
    assert process.wait(20) == 75, "the document is longer than the pipe, and nobody reads it"


@pytest.mark.parametrize("line", [b"nonsense\n", b'{"model": 3}\n', b"x" * 70_000])
def test_a_request_that_is_none_is_refused(line):
    with subprocess.Popen(
        [sys.executable, RUNNER, "--request", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        process.stdin.write(line)
        process.stdin.flush()
        assert process.wait(10) == 2
        assert answer(process.stdout.read()).error.kind == "usage"


def test_no_request_is_no_host():
    assert run("--request", "-", input=b"").returncode == 75


def test_two_at_once_and_from_any_folder(tmp_path):
    command = [sys.executable, RUNNER, GOLDEN / "int8.tflite", *SHORT, "--outputs"]
    both = [subprocess.Popen([*command, str(place)], stdout=subprocess.PIPE, cwd=tmp_path) for place in range(2)]
    first, second = (document(process.communicate(timeout=60)[0]) for process in both)
    assert first.outputs[0].sha256 == second.outputs[0].sha256
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "1"]


def test_closed_standard_files_are_no_harm():
    done = subprocess.run(
        ["/bin/sh", "-c", 'exec "$0" "$1" "$2" --seconds 0 --runs 5 <&- 2>&-', sys.executable, RUNNER, GOLDEN / "int8.tflite"],
        stdout=subprocess.PIPE, timeout=60, check=True,
    )  # fmt: skip
    assert document(done.stdout).latency.runs >= 5
