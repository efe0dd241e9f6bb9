"""Boards for the tests: this machine behind a real OpenSSH server on the loopback, with a temporary folder of its own."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parents[1] / "golden"


class Board:
    """An sshd with a host key and a user key of its own; `temporary` is where its users' temporary files go."""

    def __init__(self, folder: Path, sshd: str, *, subsystem: bool = True) -> None:
        self.folder, self._sshd = folder, sshd
        self.temporary = folder / "board-tmp"
        self.temporary.mkdir()
        self.port = _free_port()
        for name in ("host_key", "user_key"):
            _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name))
        shutil.copy(folder / "user_key.pub", folder / "authorized_keys")
        self._write_known(folder / "host_key.pub")
        self.configure(self.temporary, subsystem=subsystem)
        self.client = folder / "client"
        self.configure_client()
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def user(self) -> str:
        return pwd.getpwuid(os.getuid()).pw_name

    @property
    def address(self) -> str:
        return f"ssh://{self.user}@127.0.0.1:{self.port}"

    @property
    def ssh(self) -> str:
        """What EDGEKIT_SSH has to be, so that the user's own configuration has no part in it."""
        return f"ssh -F '{self.client}'"

    def configure(self, temporary: Path, *, subsystem: bool = True) -> None:
        """Write the server's configuration; a server that runs must be started anew."""
        lines = [
            f"Port {self.port}", "ListenAddress 127.0.0.1", f"HostKey {self.folder / 'host_key'}",
            f"AuthorizedKeysFile {self.folder / 'authorized_keys'}", "StrictModes no", "UsePAM no",
            "PasswordAuthentication no", "KbdInteractiveAuthentication no", f"PidFile {self.folder / 'sshd.pid'}",
            f'SetEnv "TMPDIR={temporary}"', *(["Subsystem sftp internal-sftp"] if subsystem else []),
        ]  # fmt: skip
        (self.folder / "sshd_config").write_text("\n".join(lines) + "\n")

    def configure_client(self, *more: str, key: str = "user_key", known: str = "known_hosts") -> None:
        lines = [
            "Host *", f'  UserKnownHostsFile "{self.folder / known}"', "  GlobalKnownHostsFile /dev/null",
            f'  IdentityFile "{self.folder / key}"', "  IdentitiesOnly yes", "  IdentityAgent none",
            "Host board", f"  HostName 127.0.0.1\n  Port {self.port}\n  User {self.user}", *more,
        ]  # fmt: skip
        self.client.write_text("\n".join(lines) + "\n")

    def start(self) -> None:
        command = [self._sshd, "-D", "-e", "-f", str(self.folder / "sshd_config")]
        with (self.folder / "sshd.log").open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return
            if self._process.poll() is not None:
                pytest.skip(f"sshd does not start here: {(self.folder / 'sshd.log').read_text()[-300:]}")
            time.sleep(0.05)
        pytest.skip("sshd does not answer here")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()

    def sessions(self) -> list[int]:
        """The processes of sshd that serve a connection."""
        assert self._process is not None
        return _children(self._process.pid)

    def litter(self, *, within_s: float = 10.0) -> list[str]:
        """What is left in the board's temporary folder once there was time to clean up."""
        until = time.monotonic() + within_s
        while any(self.temporary.iterdir()) and time.monotonic() < until:
            time.sleep(0.1)
        return [path.name for path in self.temporary.iterdir()]

    def _write_known(self, public: Path, name: str = "known_hosts") -> None:
        kind, key, *_ = public.read_text().split()
        (self.folder / name).write_text(f"[127.0.0.1]:{self.port} {kind} {key}\n")


@pytest.fixture
def board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Board]:
    """A board behind ssh; `EDGEKIT_SSH` and `EDGEKIT_DEVICES` are the test's own."""
    sshd = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if sshd is None or shutil.which("ssh") is None:
        pytest.skip("OpenSSH's client and server are not installed")
    if os.getuid() == 0 and not Path("/run/sshd").is_dir():
        with contextlib.suppress(OSError):
            Path("/run/sshd").mkdir(mode=0o755)
    folder = tmp_path / "ssh"
    folder.mkdir()
    made = Board(folder, sshd)
    monkeypatch.setenv("EDGEKIT_SSH", made.ssh)
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture(autouse=True)
def devices_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Measurements and overlays of the test's own."""
    folder = tmp_path / "devices"
    monkeypatch.setenv("EDGEKIT_DEVICES", str(folder))
    return folder


@pytest.fixture
def python() -> str:
    """The Python of the board, which here is the one that runs the tests."""
    return sys.executable


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL)


def _free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port: int = server.getsockname()[1]
        return port


def _children(pid: int) -> list[int]:
    import psutil

    with contextlib.suppress(psutil.Error):
        return [child.pid for child in psutil.Process(pid).children(recursive=True) if child.name() == "sshd"]
    return []
