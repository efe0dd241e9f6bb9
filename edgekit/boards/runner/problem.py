"""Reasons why a run gives no document: each with its kind, what is wrong, what to do next, and an exit code."""

from __future__ import annotations

from typing import Any

from . import SCHEMA_VERSION

KINDS = ("usage", "model", "input", "delegate", "output", "missing", "crash", "killed", "memory", "failed")
_EXIT_CODES = {"missing": 3, "killed": 1, "failed": 1}
HOST_GONE = 75  # EX_TEMPFAIL of sysexits.h


class Problem(Exception):
    """An error of one of `KINDS`; the input is wrong (exit code 2) unless the kind says otherwise."""

    def __init__(self, kind: str, what: str, next_step: str) -> None:
        super().__init__(what)
        self.kind = kind
        self.what = what
        self.next_step = next_step

    @property
    def exit_code(self) -> int:
        return _EXIT_CODES.get(self.kind, 2)

    def document(self) -> dict[str, Any]:
        """The answer on standard output."""
        error = {"kind": self.kind, "what": self.what, "next": self.next_step}
        return {"schema_version": SCHEMA_VERSION, "error": error}


class HostGoneError(Exception):
    """The host is gone: its end of standard input is closed, or silent for too long."""


def one_line(problem: object, most: int = 500) -> str:
    """A message on one line, with a '?' for control characters; a long one is cut in the middle."""
    text = "".join(sign if sign.isprintable() else "?" for sign in " ".join(str(problem).split()))
    return text if len(text) <= most else text[: most // 2] + " ... " + text[-most // 2 :]
