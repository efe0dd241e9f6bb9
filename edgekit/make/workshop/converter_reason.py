"""Why TensorFlow's converter failed: in the words of its exception, else in those of its compiler, which writes them to standard error.

An exception that is raised for an error of the compiler may say nothing at all, as those of the quantizer do (TensorFlow 2.21).
"""

from __future__ import annotations

import os
import re
import stat

from edgekit.verdict.converter_said import compiler_error

STANDARD_ERROR = 2
MOST_BYTES = 1_000_000
"""So much is read; an error stands before the operations that the compiler prints with it, which may be long."""
MOST_CHARACTERS = 400


class StandardError:
    """What this process writes to its standard error from now on, native code too, if that is a file that can be read: a job's is its log."""

    def __init__(self) -> None:
        self._start = _size()

    def written(self) -> str:
        """The text so far; empty where it cannot be read again, as on a terminal."""
        if self._start is None:
            return ""
        try:
            return os.pread(STANDARD_ERROR, MOST_BYTES, self._start).decode(errors="replace")
        except OSError:  # open for writing alone
            return ""


def _size() -> int | None:
    """The bytes that were written to standard error; None where it is no file."""
    try:
        found = os.fstat(STANDARD_ERROR)
    except OSError:  # closed
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def first_reason(problem: Exception, written: str = "") -> str:
    """The line of a converter's error that gives the reason, else its first line; of one without words, the compiler's error in what was `written`."""
    lines = [line.strip() for line in str(problem).splitlines() if line.strip()]
    if not lines or lines == [type(problem).__name__]:
        return (compiler_error(written) or type(problem).__name__)[:MOST_CHARACTERS]
    telling = next((line for line in lines if re.search(r"error:|not supported|failed", line, re.IGNORECASE)), "")
    return (telling or lines[0])[:MOST_CHARACTERS]
