"""A board behind ssh: the system's own `ssh` and `scp`, so that the user's configuration, keys and agents work.

Host keys are checked strictly, nothing is prompted for, and a remote command never contains varying text. `EDGEKIT_SSH`
is the command to use instead of `ssh`, split as a shell does, as in `ssh -F board.config`; its options also go to `scp`,
and cannot loosen those that are set here.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import tempfile
from pathlib import Path

from edgekit.boards import scripts, shell
from edgekit.boards.address import Address
from edgekit.boards.channel import Channel
from edgekit.boards.transport import Facts, Ran, Task
from edgekit.errors import DeviceError, EdgekitError, InputError, MissingExtraError
from edgekit.progress import Progress

VARIABLE = "EDGEKIT_SSH"
CONNECT_S = 15
OPTIONS = (
    "BatchMode=yes",
    "StrictHostKeyChecking=yes",
    f"ConnectTimeout={CONNECT_S}",
    "ServerAliveInterval=5",
    "ServerAliveCountMax=4",
    "ForwardAgent=no",
    "ForwardX11=no",
    "ClearAllForwardings=yes",
    "PermitLocalCommand=no",
    "RemoteCommand=none",
    "RequestTTY=no",
    "LogLevel=ERROR",
)
FAILED = 255  # ssh's own errors, as its manual says; any other code is that of the program on the board
MOST_COPY_BYTES = 65536
# An sshd without sftp: at a quiet log level scp prints only this, but more if ssh lost the connection.
_NO_SCP = re.compile(r"(.*subsystem request failed.*\s*)?(scp: )?Connection closed\s*|.*scp: (command )?not found\s*")


class Ssh:
    """Runs the runner on a board that `ssh` reaches."""

    def __init__(self, address: Address) -> None:
        assert address.host is not None
        self.address, self._host, self._user, self._port = address.text, address.host, address.user, address.port
        self._ssh, *self._options = _command()
        for program in (self._ssh, "scp"):
            if shutil.which(program) is None:
                raise MissingExtraError(
                    f"{program} is not installed, and reaches the board",
                    next_step="install OpenSSH's client, as in: apt-get install openssh-client",
                )

    def facts(self, python: str | None) -> Facts:
        """The facts of the board; raises `DeviceError`."""
        return shell.read_facts(self, python)

    def run(self, task: Task, progress: Progress) -> Ran:
        """Run a task in a private folder on the board; raises `DeviceError`."""
        return shell.run(self, task, progress)

    def command(self, script: str) -> list[str]:
        user = [] if self._user is None else ["-l", self._user]
        port = [] if self._port is None else ["-p", str(self._port)]
        remote = f"exec /bin/sh -c {shlex.quote(script)}"
        return [self._ssh, *_settings(), *self._options, "-T", *user, *port, "--", self._host, remote]

    def put(self, task: Task, folder: str, deadline: float) -> None:
        """Copy with `scp`; if the board's sshd does not support that, through `ssh` itself."""
        with tempfile.TemporaryDirectory(prefix="edgekit-scp-") as staging:
            paths = []
            for name, path in task.files().items():
                paths.append(Path(staging) / name)
                paths[-1].symlink_to(path.resolve())
            command = [*self._scp(), "--", *map(str, paths), f"{self._place()}:{folder}/"]
            with Channel(command, deadline=deadline, most_bytes=MOST_COPY_BYTES, farewell_s=0) as channel:
                code = channel.wait()
                log = channel.log
        if code == 0:
            return
        if not _NO_SCP.fullmatch(log):
            raise self.explain(FAILED, log) or _not_copied(self.address, log)
        for name, path in task.files().items():
            self._send(name, path, folder, deadline)

    def explain(self, code: int, log: str) -> EdgekitError | None:
        """What ssh's messages mean."""
        if code != FAILED:
            return None
        said = log.strip().splitlines()
        for pattern, what, next_step in EXPLAINED:
            line = next((line for line in said if re.search(pattern, line, re.IGNORECASE)), None)
            if line is not None:
                name = self._host if self._user is None else f"{self._user}@{self._host}"
                place = name if self._port is None else f"-p {self._port} {name}"
                return DeviceError(
                    what,
                    where=self.address,
                    received=line[: shell.MOST_LETTERS],
                    next_step=next_step.format(place=place),
                )
        return None

    def _send(self, name: str, path: Path, folder: str, deadline: float) -> None:
        data = path.read_bytes()
        command = self.command(scripts.RECEIVE)
        with Channel(command, deadline=deadline, most_bytes=MOST_COPY_BYTES, farewell_s=0) as channel:
            channel.send(f"{folder}\n{name}\n{len(data)}\n".encode() + data)
            channel.end_input()
            code = channel.wait()
            log = channel.log
        if code != 0:
            raise self.explain(code, log) or _not_copied(self.address, log)

    def _scp(self) -> list[str]:
        port = [] if self._port is None else ["-P", str(self._port)]
        return ["scp", "-q", "-S", self._ssh, *_settings(), *self._options, *port]

    def _place(self) -> str:
        """The board in the form of scp's arguments, with an IPv6 address in brackets."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return host if self._user is None else f"{self._user}@{host}"


# Messages of OpenSSH's ssh and scp (always in English), what they mean, and what to do about them.
EXPLAINED = (
    (
        r"could not resolve hostname",
        "there is no board of that name",
        "see whether the name is right, or give the board's IP address",
    ),
    (
        r"identification has changed|offending .*key|host key .* has changed",
        "the board's host key is another than the one that is known",
        "if the board was set up anew, connect by hand and remove the old key as ssh says there: ssh {place}; else "
        "somebody may be in between",
    ),
    (
        r"host key verification failed|host key is known for",
        "the board's host key is not known",
        "connect once by hand and compare the fingerprint with the board's: ssh {place}",
    ),
    (
        r"permission denied|too many authentication failures|no supported authentication",
        "the board does not let this user in",
        "give it your key: ssh-copy-id {place}; a key with a passphrase goes to the agent first: ssh-add",
    ),
    (r"connection refused", "the board refuses the connection", "see whether sshd runs there, and on which port"),
    (
        r"no route to host|network is unreachable|timed out during banner|connect to host .* timed out",
        "the board cannot be reached",
        "see whether it is on, and in the same network",
    ),
    (
        r"bad configuration option|bad owner or permissions|no such identity|terminating, \d+ bad",
        "ssh does not accept its configuration",
        "try it by hand: ssh {place}",
    ),
    (
        r"no space left|disk full|quota exceeded|write .*: failure",
        "the board's disk is full, or it cannot be written",
        "make room there, or set TMPDIR on the board to another folder",
    ),
    (
        r"connection .*(closed|reset)|broken pipe|not responding|lost connection|kex_exchange|disconnect|timed out",
        "the connection to the board was lost",
        "see whether it is still on and its cable in place; nothing is left there once it notices",
    ),
)


def _command() -> list[str]:
    text = os.environ.get(VARIABLE, "")
    try:
        words = shlex.split(text)
    except ValueError as problem:
        raise InputError("not a command", where=VARIABLE, received=f"{text!r}: {problem}") from None
    return words or ["ssh"]


def _settings() -> list[str]:
    return [word for option in OPTIONS for word in ("-o", option)]


def _not_copied(address: str, log: str) -> DeviceError:
    return DeviceError(
        "the files could not be copied to the board",
        where=address,
        received=(log.strip().splitlines() or ["scp said nothing"])[-1][: shell.MOST_LETTERS],
        next_step="see whether it is still on and its disk has room",
    )
