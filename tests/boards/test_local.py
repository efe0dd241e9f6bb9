"""Benches on this machine, which go the same way as those on a board but for the wire; and a board that lies."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

import edgekit
from edgekit.boards import scripts, shell
from edgekit.boards.local import Local
from edgekit.boards.output_comparison import output_arrays
from edgekit.boards.session import Session
from edgekit.boards.transport import Task
from edgekit.documents.bench_document import Output
from edgekit.errors import DataError, DeviceError, InputError, ModelError
from edgekit.progress import no_progress

QUICK = {"runs": 3, "seconds": 0.0}
# headers that numpy's reader answers with errors of many kinds, and not with its own
HOSTILE = (
    "{[]: 1}",
    "((((((",
    "-" * 5000 + "1",
    f"{{'descr': '|i1', 'fortran_order': False, 'shape': ({10**30},)}}",
    "{'descr': '|i1', 'fortran_order': False, 'shape': (True,)}",
)


def npy(header: str) -> bytes:
    data = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(data).to_bytes(2, "little") + data


@pytest.fixture
def temporary(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def test_a_bench_on_this_machine(int8_model, temporary, devices_folder):
    heard = []
    found = edgekit.bench(int8_model, device="host", progress=lambda *event: heard.append(event), threads=1, **QUICK)
    assert found.agreement.bit_for_bit is True and "bit for bit" in found.agreement.reason
    assert found.environment.threads == 1 and found.latency.runs >= 3
    assert {check.name for check in found.checks} == {"flash", "ram", "latency", "agreement"}
    assert found.outcome == "pass" and found.foreign is None
    assert Path(found.kept).parent == devices_folder / "host.measurements"
    assert "warm-up" in {phase for phase, _, _ in heard}
    assert list(temporary.iterdir()) == []


def test_outputs_that_cannot_be_compared_are_unknown_and_no_pass(int8_model, monkeypatch):
    monkeypatch.setattr(Session, "_here", lambda *_: (None, "this machine does not run the file"))
    found = edgekit.bench(int8_model, device="host", **QUICK)
    assert found.outcome == "fail" and found.agreement.bit_for_bit is None
    assert {check.name: check.outcome for check in found.checks}["agreement"] == "unknown"


def test_inputs_that_changed_on_their_way_are_an_error(int8_model, tmp_path, monkeypatch):
    np.save(tmp_path / "sent.npy", np.zeros((1, 8, 8, 1), np.int8))
    np.save(tmp_path / "other.npy", np.ones((1, 8, 8, 1), np.int8))
    put = Local.put

    def spoilt(self, task, folder, deadline):
        put(self, task, folder, deadline)
        if not task.request["no_timing"]:
            (Path(folder) / "input-0.npy").write_bytes((tmp_path / "other.npy").read_bytes())

    monkeypatch.setattr(Local, "put", spoilt)
    with pytest.raises(DeviceError, match="not those that were sent"):
        edgekit.bench(int8_model, device="host", inputs=[tmp_path / "sent.npy"], **QUICK)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"threads": 0}, InputError),
        ({"runs": 0}, InputError),
        ({"seconds": float("nan")}, InputError),
        ({"sustained": 0}, InputError),
        ({"on": "somewhere"}, InputError),
        ({"device": "nucleo-h7a3zi"}, InputError),
        ({"on": "ssh://board", "delegate": "relative.so"}, InputError),
        ({"python": "a\nb"}, InputError),
        ({"time_limit_s": 1e15}, InputError),
        ({"time_limit_s": float("nan")}, InputError),
        ({"inputs": ["nowhere.npy"]}, DataError),
        ({"inputs": ["a.npy", "b.npy"]}, DataError),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_connected(int8_model, monkeypatch, options, error):
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("something was started"))
    with pytest.raises(error):
        edgekit.bench(int8_model, **{"device": "host", **options})


def test_inputs_must_be_arrays_of_the_models_type(int8_model, tmp_path):
    np.save(tmp_path / "floats.npy", np.zeros((1, 8, 8, 1), np.float32))
    (tmp_path / "text.npy").write_text("no array")
    np.savez(tmp_path / "several.npy.npz", a=np.zeros(1))
    os.mkfifo(tmp_path / "pipe.npy")
    for number, header in enumerate(HOSTILE):
        (tmp_path / f"{number}.npy").write_bytes(npy(header))
    hostile = [f"{number}.npy" for number in range(len(HOSTILE))]
    for name in ("floats.npy", "text.npy", "several.npy.npz", "pipe.npy", *hostile):
        with pytest.raises(DataError):
            edgekit.bench(int8_model, device="host", inputs=[tmp_path / name])


@pytest.mark.parametrize("batch", [0, 4])
def test_a_latency_of_another_batch_than_one_is_none_of_the_device(int8_model, tmp_path, batch, devices_folder):
    np.save(tmp_path / "batch.npy", np.zeros((batch, 8, 8, 1), np.int8))
    with pytest.raises(DataError, match="not one sample"):
        edgekit.bench(int8_model, device="host", inputs=[tmp_path / "batch.npy"])
    assert not list(devices_folder.rglob("*.json"))


def test_a_file_that_is_no_model(tmp_path):
    path = tmp_path / "model.tflite"
    with pytest.raises(ModelError, match="no such file"):
        edgekit.bench(path, device="host")
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(ModelError):
        edgekit.bench(path, device="host")


class Liar(Local):
    """A board whose shell answers as the test says."""

    address = "ssh://liar"

    def __init__(self, says: str) -> None:
        self.says = says

    def command(self, script: str) -> list[str]:
        return ["/bin/sh", "-c", self.says]


@pytest.mark.parametrize(
    ("says", "wanted"),
    [
        ("exit 0", "lost"),
        ("echo end=facts", "makes no sense"),
        ("yes", "more than an answer may have"),
        ("printf 'machine=\\033[2Jx\\nend=facts\\n'", None),
        ("printf 'machine=m\\nmemory_kib=99999999999999999999\\npython_version=3.x.1\\nend=facts\\n'", None),
    ],
)
def test_facts_of_a_stranger(says, wanted):
    if wanted is None:
        found = Liar(says).facts(None)
        assert found.machine.isprintable() and found.memory_bytes is None and found.python_version is None
    else:
        with pytest.raises(DeviceError, match=wanted):
            Liar(says).facts(None)


def test_what_outlives_a_stranger_and_writes_without_end_is_ended(tmp_path):
    """Its pipe is closed: it would take a core for as long as this process lives."""
    noted = tmp_path / "pid"
    with pytest.raises(DeviceError, match="more than an answer may have"):
        Liar(f"yes & echo $! > {noted}; wait").facts(None)
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(int(noted.read_text())).wait(timeout=30)  # raises `TimeoutExpired` where it lives on


@pytest.mark.parametrize(
    "folder",
    [
        "/etc",
        "relative/edgekit-x",
        "/tmp/edgekit-x;reboot",
        "/tmp/../edgekit-x",
        "/tmp/edgekit-$(id)",
        "/a b/edgekit-x",
    ],
)
def test_a_folder_of_a_stranger_is_checked_before_it_is_used(int8_model, tmp_path, folder):
    task = Task(model=int8_model, request={}, into=tmp_path, python="python3", time_limit_s=5)
    with pytest.raises(DeviceError, match="temporary folder has a name"):
        Liar(f"echo 'edgekit-folder {folder}'; cat").run(task, no_progress)


@pytest.mark.parametrize(
    "header",
    ["../../etc/passwd 3", "output-0.npy 99999999999", "output-0.npy -1", "-rf.npy 3", "a/b.npy 3", "nonsense"],
)
def test_outputs_of_a_stranger_have_names_and_sizes_that_are_checked(tmp_path, header):
    with pytest.raises((DeviceError, shell.TooMuch)):
        shell._fetch(Liar(f"echo '{header}'; echo abc"), "/tmp/edgekit-x", tmp_path, time.monotonic() + 5)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("data", [*map(npy, HOSTILE), b"PK\x03\x04", b"", b"\x80\x04N."])
def test_arrays_of_a_stranger_are_an_error_of_the_board(tmp_path, data):
    (tmp_path / "output-0.npy").write_bytes(data)
    output = Output(name="y", dtype="int8", shape=(1,), sha256="0" * 64, file="output-0.npy")
    with pytest.raises(DeviceError, match="an output"):
        output_arrays([output], {"output-0.npy": tmp_path / "output-0.npy"}, where="ssh://liar")


def test_a_silent_other_side_ends_the_shell_and_its_folder(temporary):
    """The watcher's minute is shortened to seconds; nobody closes the pipe, as where a cable is pulled."""
    quick = scripts.RUN.replace("-ge 60", "-ge 1").replace("sleep 5", "sleep 1").replace("+ 5", "+ 1")
    assert quick != scripts.RUN
    child = subprocess.Popen(["/bin/sh", "-c", quick], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    child.stdin.write(b"python3\n")
    child.stdin.flush()
    assert child.stdout.readline().startswith(b"edgekit-folder ")
    assert len(list(temporary.iterdir())) == 1
    assert child.wait(timeout=20) != 0
    until = time.monotonic() + 10
    while any(temporary.iterdir()) and time.monotonic() < until:
        time.sleep(0.1)
    assert list(temporary.iterdir()) == []
    child.stdin.close()
    child.stdout.close()
