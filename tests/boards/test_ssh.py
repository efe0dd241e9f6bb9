"""Benches over a real OpenSSH server on the loopback: what comes back, what each fault is told as, and what is left
behind, which is nothing: no file and no process on the board, and the model as it was.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

import edgekit
from edgekit.boards import facts_of_board as judge
from edgekit.errors import DeviceError, InputError, MissingExtraError

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow


@pytest.fixture
def bench(board, int8_model, tmp_path, python):
    """A bench of a copy of the model on the board; whatever came of it, nothing may be left."""
    model = tmp_path / "it's a model.tflite"
    shutil.copy(int8_model, model)
    before = model.read_bytes()

    def run(on="ssh://board", **options):
        given = {"runs": 5, "seconds": 0.05, "python": python, "time_limit_s": 60, **options}
        return edgekit.bench(model, device="host", on=on, **given)

    yield run
    assert board.litter() == []
    assert left_running(board.temporary) == []
    assert model.read_bytes() == before


def left_running(folder: Path, *, within_s: float = 8.0) -> list[str]:
    """Programs that still run in a folder, once there was time to end."""
    until = time.monotonic() + within_s
    while True:
        found = [f"{one.info['cmdline']}" for one in psutil.process_iter(["cmdline", "cwd"]) if is_in(one, folder)]
        if not found or time.monotonic() > until:
            return found
        time.sleep(0.1)


def is_in(process: psutil.Process, folder: Path) -> bool:
    return (process.info["cwd"] or "").startswith(str(folder))


def runners(folder: Path) -> list[psutil.Process]:
    return [one for one in psutil.process_iter(["cmdline", "cwd"]) if is_in(one, folder)]


def once(phase: str, do):
    """A progress that does something when a phase is first heard of."""
    done = threading.Event()

    def progress(name: str, *_: int) -> None:
        if name == phase and not done.is_set():
            done.set()
            do()

    return progress


def script(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def python_but(path: Path, python: str, instead: str) -> str:
    """A Python that answers about itself, and does something else in place of running the runner."""
    return script(path, f'case "$1" in -c) exec {python} "$@" ;; *) {instead} ;; esac')


def test_what_comes_back_is_compared_and_kept(bench, board, devices_folder):
    found = bench()
    assert found.agreement.bit_for_bit is True and found.agreement.outputs[0].values == 3
    assert found.latency.runs >= 5 and found.latency.min_ms > 0 and found.load_ms > 0
    assert found.memory.added_bytes > 0 and found.operators.total >= 5
    assert found.on == "ssh://board"
    assert Path(found.kept).parent == devices_folder / "host.measurements"
    assert "it ran on ssh://board" in found.foreign and not found.counts


def test_by_user_host_and_port_with_an_input_of_ones_own(bench, board, tmp_path):
    import numpy as np

    path = tmp_path / "my input.npy"
    np.save(path, np.arange(64, dtype=np.int8).reshape(1, 8, 8, 1))
    found = bench(board.address, inputs=[path], keep=False)
    assert found.inputs[0].source == "input-0.npy"
    assert found.agreement.bit_for_bit is True and found.kept is None


def test_a_board_without_sftp_gets_its_files_through_ssh(bench, board):
    board.stop()
    board.configure(board.temporary, subsystem=False)
    board.start()
    assert bench().agreement.bit_for_bit is True


@pytest.mark.parametrize("more", ["", " -o StrictHostKeyChecking=no"])
def test_a_host_key_that_is_not_known(bench, board, monkeypatch, more):
    board.configure_client(known="nobody")
    monkeypatch.setenv("EDGEKIT_SSH", board.ssh + more)
    with pytest.raises(DeviceError, match="host key is not known") as raised:
        bench()
    assert "by hand" in raised.value.next_step and "StrictHostKeyChecking" not in str(raised.value)


def test_a_host_key_that_is_another(bench, board):
    board._write_known(board.folder / "user_key.pub")
    with pytest.raises(DeviceError, match="another than the one that is known") as raised:
        bench()
    assert "remove the old key as ssh says there: ssh board" in raised.value.next_step


def test_a_key_that_the_board_does_not_take(bench, board):
    board.configure_client(key="host_key")
    with pytest.raises(DeviceError, match="does not let this user in") as raised:
        bench()
    assert "ssh-copy-id" in raised.value.next_step


def test_a_port_where_nothing_listens(bench, board):
    board.stop()
    with pytest.raises(DeviceError, match="refuses the connection"):
        bench()


def test_a_name_that_is_none(bench, board):
    with pytest.raises(DeviceError, match="no board of that name"):
        bench("ssh://no-such-board.invalid")


def test_a_python_that_is_not_there(bench):
    with pytest.raises(MissingExtraError, match="no Python") as raised:
        bench(python="/nowhere/python 3'")
    assert "there is no /nowhere/python 3'" in raised.value.received


def test_a_python_that_prints_nonsense(bench, tmp_path, python):
    with pytest.raises(DeviceError, match="no document"):
        bench(python=python_but(tmp_path / "py", python, "echo hello; exit 0"))


def test_a_python_that_never_stops_talking(bench, tmp_path, python):
    with pytest.raises(DeviceError, match="more than an answer may have"):
        bench(python=python_but(tmp_path / "py", python, "yes; exit 0"))


def test_a_board_that_hangs_is_given_up_at_the_limit(bench, tmp_path, python):
    with pytest.raises(DeviceError, match="did not finish the run within 3 s") as raised:
        bench(python=python_but(tmp_path / "py", python, "timeout 60 cat >/dev/null; exit 0"), time_limit_s=3)
    assert "--time-limit" in raised.value.next_step


def test_a_cable_that_is_pulled_in_mid_run(bench, board):
    def pull():
        for pid in board.sessions():
            os.kill(pid, signal.SIGKILL)

    with pytest.raises(DeviceError, match="connection to the board was lost"):
        bench(seconds=60, progress=once("timing", pull))


def test_a_runner_that_is_killed_in_mid_run(bench, board):
    def kill():
        for process in runners(board.temporary):
            if "edgekit-bench.pyz" in " ".join(process.info["cmdline"]) and process.parent().name() == "sh":
                process.send_signal(signal.SIGKILL)

    with pytest.raises(DeviceError, match="killed on the device by signal 9"):
        bench(seconds=60, progress=once("timing", kill))


def test_a_shell_that_is_killed_leaves_its_folder_to_the_watcher(bench, board):
    def kill():
        for process in runners(board.temporary):
            if process.parent().name() == "sh":
                process.parent().send_signal(signal.SIGKILL)

    with pytest.raises(DeviceError, match="was lost"):
        bench(seconds=60, progress=once("timing", kill))


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_whoever_asks_is_interrupted(bench, board, int8_model, python, how):
    command = [sys.executable, "-m", "edgekit", "bench", str(int8_model), "--device", "host", "--on", "ssh://board"]
    command += ["--python", python, "--seconds", "60", "--no-keep"]
    child = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, text=True)
    while not any(board.temporary.glob("edgekit-*/model.tflite")) and child.poll() is None:
        time.sleep(0.05)
    time.sleep(0.5)
    child.send_signal(how)
    _, said = child.communicate(timeout=30)
    assert child.returncode == (-how if how == signal.SIGKILL else 130), said
    assert "Traceback" not in said


def test_a_full_disk(bench, board, tmp_path, monkeypatch):
    if os.getuid() != 0:
        pytest.skip("a file system of a few KB can be mounted by root alone")
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "edgekit-test", str(small)]
    if subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("no file system can be mounted here")
    try:
        board.stop()
        board.configure(small)
        board.start()
        with pytest.raises(DeviceError, match="too little disk free"):
            bench()
        monkeypatch.setattr(judge, "require_room", lambda *_, **__: None)  # full only once something is copied
        with pytest.raises(DeviceError, match="disk is full"):
            bench()
        assert list(small.iterdir()) == []
    finally:
        subprocess.run(["umount", str(small)], check=True)


class Proxy:
    """A way to the board that stalls, or is cut, once so many bytes have gone there on one of its connections; `ended` counts these."""

    def __init__(self, port: int, after_bytes: int, *, cuts: bool) -> None:
        self._to, self._after, self._cuts = port, after_bytes, cuts
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self.ended = 0
        self._open: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        for one in (self._server, *self._open):
            one.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            board = socket.create_connection(("127.0.0.1", self._to))
            self._open += [client, board]
            threading.Thread(target=self._pass_on, args=(client, board, self._after), daemon=True).start()
            threading.Thread(target=self._pass_on, args=(board, client, None), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, limit: int | None) -> None:
        passed = 0
        try:
            while data := source.recv(4096):
                passed += len(data)
                if limit is not None and passed > limit:
                    self.ended += 1
                    if not self._cuts:
                        return  # and both stay open: a cable that is pulled says nothing
                    break
                sink.sendall(data)
        except OSError:
            pass
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("cuts", [True, False])
def test_a_connection_that_ends_while_files_are_copied(bench, board, cuts):
    proxy = Proxy(board.port, 30_000, cuts=cuts)  # more than the facts and the folder need, less than the files
    try:
        known = board.folder / "known_hosts"
        known.write_text(known.read_text().replace(str(board.port), str(proxy.port)))
        with pytest.raises(DeviceError, match="lost" if cuts else "did not finish the run"):
            bench(f"ssh://{board.user}@127.0.0.1:{proxy.port}", time_limit_s=30 if cuts else 5)
        assert proxy.ended == 1
    finally:
        proxy.close()


def test_a_command_that_is_not_installed(board, int8_model, monkeypatch):
    monkeypatch.setenv("EDGEKIT_SSH", "no-such-ssh -F x")
    with pytest.raises(MissingExtraError, match="no-such-ssh is not installed"):
        edgekit.bench(int8_model, device="host", on="ssh://board")
    monkeypatch.setenv("EDGEKIT_SSH", "ssh 'half a quote")
    with pytest.raises(InputError, match="not a command"):
        edgekit.bench(int8_model, device="host", on="ssh://board")
