"""Benches over adb: the real client without any device, and with a small server that speaks adb's own protocol.

There is no Android here. The server takes the place of adb's own (and so of the device behind it): it hands what the
client asks for to a shell of this machine. What it cannot show is how a real device's shell and storage behave.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import edgekit
from edgekit.errors import DeviceError, MissingExtraError

SERIAL = "TEST0123"
STDIN, STDOUT, STDERR, EXIT, CLOSE_STDIN = range(5)  # of adb's shell protocol, shell_protocol.h
needs_adb = pytest.mark.skipif(shutil.which("adb") is None, reason="adb is not installed")


class Server:
    """One device, as adb's client sees it over the socket of its server (adb/OVERVIEW.TXT, SERVICES.TXT, SYNC.TXT)."""

    def __init__(self, folder: Path, *, full: bool = False) -> None:
        self.folder, self._full = folder, full
        self._server = socket.create_server(("127.0.0.1", 0))
        self.place = f"tcp:localhost:{self._server.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._server.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._server.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError, EOFError):
            while True:
                asked = exactly(client, int(exactly(client, 4), 16)).decode()
                if asked == "host:version":
                    return client.sendall(b"OKAY00040029")
                if asked.endswith(":features") or asked == "host:features":
                    return client.sendall(b"OKAY0008shell_v2")
                if asked.startswith(("host:tport:", "host:transport")):
                    if not asked.endswith(SERIAL):
                        return client.sendall(b"FAIL001adevice 'another' not found"[: 8 + 0x1A])
                    client.sendall(b"OKAY" + (bytes(8) if "tport" in asked else b""))
                elif asked.startswith("shell"):
                    client.sendall(b"OKAY")
                    return self._shell(client, asked.partition(":")[2])
                elif asked == "sync:":
                    client.sendall(b"OKAY")
                    return self._sync(client)
                else:
                    return client.sendall(b"FAIL0007unknown")

    def _shell(self, client: socket.socket, command: str) -> None:
        child = subprocess.Popen(
            ["/bin/sh", "-c", command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0,
            env={**os.environ, "TMPDIR": str(self.folder)},
        )  # fmt: skip
        lock = threading.Lock()
        pumps = [
            threading.Thread(target=self._pump, args=(client, lock, pipe, kind))
            for pipe, kind in ((child.stdout, STDOUT), (child.stderr, STDERR))
        ]
        for pump in pumps:
            pump.start()
        threading.Thread(target=self._feed, args=(client, child), daemon=True).start()
        for pump in pumps:
            pump.join()
        with lock:
            client.sendall(struct.pack("<BIB", EXIT, 1, child.wait() & 0xFF))

    def _pump(self, client, lock, pipe, kind) -> None:
        with contextlib.suppress(OSError):
            while data := os.read(pipe.fileno(), 4096):
                with lock:
                    client.sendall(struct.pack("<BI", kind, len(data)) + data)

    def _feed(self, client: socket.socket, child: subprocess.Popen[bytes]) -> None:
        with contextlib.suppress(OSError, EOFError):
            while True:
                kind, length = struct.unpack("<BI", exactly(client, 5))
                data = exactly(client, length)
                if kind == CLOSE_STDIN:
                    break
                if kind == STDIN:
                    child.stdin.write(data)
        child.stdin.close()

    def _sync(self, client: socket.socket) -> None:
        file = None
        while True:
            name, length = struct.unpack("<4sI", exactly(client, 8))
            if name == b"QUIT":
                return
            if name == b"DONE":
                file.close()
                answer = b"No space left on device" if self._full else b""
                client.sendall(struct.pack("<4sI", b"FAIL" if self._full else b"OKAY", len(answer)) + answer)
                continue
            data = exactly(client, length)
            if name == b"STAT":
                client.sendall(struct.pack("<4sIII", b"STAT", 0, 0, 0))
            elif name == b"SEND":
                path, _, _ = data.decode().rpartition(",")
                file = open(path, "wb")  # noqa: SIM115 - closed when it is DONE
            elif name == b"DATA":
                file.write(data)


def exactly(client: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        block = client.recv(count - len(data))
        if not block:
            raise EOFError
        data += block
    return data


@pytest.fixture
def device(tmp_path, monkeypatch):
    """A device behind adb, whose temporary folder is empty again when the test ends."""
    folder = tmp_path / "device"
    folder.mkdir()
    server = Server(folder)
    monkeypatch.setenv("ADB_SERVER_SOCKET", server.place)
    yield server
    server.close()
    assert list(folder.iterdir()) == []


@needs_adb
def test_a_bench_over_adb(device, int8_model, devices_folder):
    found = edgekit.bench(
        int8_model, device="host", on=f"adb://{SERIAL}", runs=3, seconds=0.02, python=sys.executable, time_limit_s=60
    )
    assert found.agreement.bit_for_bit is True and found.latency.runs >= 3
    assert found.on == f"adb://{SERIAL}" and Path(found.kept).parent == devices_folder / "host.measurements"


@needs_adb
def test_another_device_is_not_there(device, int8_model):
    with pytest.raises(DeviceError, match="no such device") as raised:
        edgekit.bench(int8_model, device="host", on="adb://another", python=sys.executable)
    assert "adb devices" in raised.value.next_step


@needs_adb
def test_a_full_device_is_told(tmp_path, monkeypatch, int8_model):
    folder = tmp_path / "device"
    folder.mkdir()
    server = Server(folder, full=True)
    monkeypatch.setenv("ADB_SERVER_SOCKET", server.place)
    try:
        with pytest.raises(DeviceError, match="disk is full"):
            edgekit.bench(int8_model, device="host", on=f"adb://{SERIAL}", python=sys.executable, time_limit_s=60)
        assert list(folder.iterdir()) == []
    finally:
        server.close()


@needs_adb
def test_without_any_device_it_is_what_adb_says(tmp_path, monkeypatch, int8_model):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        place = f"tcp:localhost:{free.getsockname()[1]}"
    monkeypatch.setenv("ADB_SERVER_SOCKET", place)  # adb's own server, which the client starts there
    monkeypatch.setenv("HOME", str(tmp_path))
    try:
        with pytest.raises(DeviceError) as raised:
            edgekit.bench(int8_model, device="pixel-4", on="adb://nothing")
        assert "device 'nothing' not found" in raised.value.received and raised.value.exit_code == 4
    finally:
        subprocess.run(["adb", "kill-server"], capture_output=True, timeout=20)


def test_without_adb_it_says_what_to_install(int8_model, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingExtraError, match="adb is not installed"):
        edgekit.bench(int8_model, device="pixel-4", on=f"adb://{SERIAL}")
