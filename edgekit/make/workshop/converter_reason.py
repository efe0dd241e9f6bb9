"""Why TensorFlow's converter failed: in the words of its exception, else in those of its compiler, which writes them to standard error.

An exception that is raised for an error of the compiler may say nothing at all, as those of the quantizer do (TensorFlow 2.21).
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from typing import IO

from edgekit.verdict.converter_said import compiler_error

STANDARD_ERROR = 2
MOST_BYTES = 1_000_000
"""So much is read; an error stands before the operations that the compiler prints with it, which may be long."""
MOST_CHARACTERS = 400
ENDS_S = 5.0
"""How long the end of what was written is waited for: a process that was left behind may hold it open."""


class StandardError:
    """What this process writes to its standard error within the block, native code too; it is handed on at once, by a process of its own, so that a crash keeps it.

    `text` has it behind the block; it stays empty where there is no `tee`.
    """

    def __init__(self) -> None:
        self.text = ""
        self._copy: IO[bytes] | None = None

    def __enter__(self) -> StandardError:
        self._own, copy = os.dup(STANDARD_ERROR), tempfile.NamedTemporaryFile()
        try:
            self._tee = subprocess.Popen(
                ["tee", copy.name], stdin=subprocess.PIPE, stdout=self._own, stderr=subprocess.DEVNULL
            )
        except OSError:
            copy.close()
            return self
        assert self._tee.stdin is not None
        os.dup2(self._tee.stdin.fileno(), STANDARD_ERROR)
        self._tee.stdin.close()
        self._copy = copy
        return self

    def __exit__(self, *exc: object) -> None:
        os.dup2(self._own, STANDARD_ERROR)
        os.close(self._own)
        if self._copy is None:
            return
        try:
            self._tee.wait(ENDS_S)
        except subprocess.TimeoutExpired:
            self._tee.kill()
            self._tee.wait()
        with self._copy as copy:
            self.text = copy.read(MOST_BYTES).decode(errors="replace")


def first_reason(problem: Exception, written: str = "") -> str:
    """The line of a converter's error that gives the reason, else its first line; of one without words, the compiler's error in what was `written`."""
    lines = [line.strip() for line in str(problem).splitlines() if line.strip()]
    if not lines or lines == [type(problem).__name__]:
        return (compiler_error(written) or type(problem).__name__)[:MOST_CHARACTERS]
    telling = next((line for line in lines if re.search(r"error:|not supported|failed", line, re.IGNORECASE)), "")
    return (telling or lines[0])[:MOST_CHARACTERS]
