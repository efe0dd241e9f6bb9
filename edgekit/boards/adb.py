"""A board behind adb: Android's debugging bridge, by the system's own `adb`.

Android has no Python of its own. If one was installed on the device (Termux, a Linux in a folder, a rooted system) and
is named or found, the same runner runs there; if there is none, the error says so.
"""

from __future__ import annotations

import re
import shlex
import shutil
import tempfile
from pathlib import Path

from edgekit.boards import shell
from edgekit.boards.address import Address
from edgekit.boards.channel import Channel
from edgekit.boards.transport import Facts, Ran, Task
from edgekit.errors import DeviceError, EdgekitError, MissingExtraError
from edgekit.progress import Progress

MOST_COPY_BYTES = 65536


class Adb:
    """Runs the runner on a device that `adb` reaches."""

    def __init__(self, address: Address) -> None:
        assert address.serial is not None
        self.address, self._serial = address.text, address.serial
        if shutil.which("adb") is None:
            raise MissingExtraError(
                "adb is not installed, and reaches the device",
                next_step="install Android's platform tools, as in: apt-get install adb",
            )

    def facts(self, python: str | None) -> Facts:
        """The facts of the device; raises `DeviceError`."""
        return shell.read_facts(self, python)

    def run(self, task: Task, progress: Progress) -> Ran:
        """Run a task in a private folder on the device; raises `DeviceError`."""
        return shell.run(self, task, progress)

    def command(self, script: str) -> list[str]:
        return [*self._adb(), "shell", "-T", f"exec sh -c {shlex.quote(script)}"]

    def put(self, task: Task, folder: str, deadline: float) -> None:
        with tempfile.TemporaryDirectory(prefix="edgekit-adb-") as staging:
            for name, path in task.files().items():
                staged = Path(staging) / name
                staged.symlink_to(path.resolve())
                command = [*self._adb(), "push", str(staged), f"{folder}/{name}"]
                with Channel(command, deadline=deadline, most_bytes=MOST_COPY_BYTES, farewell_s=0) as channel:
                    said, code = channel.rest()  # adb prints some of its errors to standard output
                    log = f"{said.decode(errors='replace')}\n{channel.log}"
                if code != 0:
                    raise self.explain(code, log) or DeviceError(
                        "the files could not be copied to the device", where=self.address, received=_last(log)
                    )

    def explain(self, code: int, log: str) -> EdgekitError | None:
        """What adb's messages mean."""
        for pattern, what, next_step in EXPLAINED:
            line = next((line for line in log.splitlines() if re.search(pattern, line, re.IGNORECASE)), None)
            if line is not None:
                return DeviceError(what, where=self.address, received=line[: shell.MOST_LETTERS], next_step=next_step)
        return None

    def _adb(self) -> list[str]:
        return ["adb", "-s", self._serial]


# adb's message, what it means, and what to do about it.
EXPLAINED = (
    (
        r"device .*not found|no devices|no such device",
        "there is no such device",
        "see `adb devices`; switch USB debugging on, or `adb connect` to its address",
    ),
    (r"unauthorized", "the device does not trust this computer", "confirm the question on the device's screen"),
    (r"offline", "the device is offline", "unplug it and plug it in again, or `adb reconnect`"),
    (
        r"cannot connect to daemon|failed to start|protocol fault|smartsocket",
        "adb's own server does not answer",
        "try it by hand: adb kill-server, then adb devices",
    ),
    (r"no space left|disk full", "the device's disk is full", "make room in /data/local/tmp"),
    (
        r"closed|connection reset|broken pipe|eof",
        "the connection to the device was lost",
        "see whether it is connected",
    ),
)


def _last(log: str) -> str:
    return (log.strip().splitlines() or ["adb said nothing"])[-1][: shell.MOST_LETTERS]
