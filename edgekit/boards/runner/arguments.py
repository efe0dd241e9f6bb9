"""The runner's options: from the command line, or as one line of JSON on standard input, checked alike.

It knows names, types and limits, and touches no file.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, NoReturn

from . import VERSION
from .problem import Problem

RUNTIMES = ("litert", "tflite_runtime")
_HELP = "run the file with --help for what it takes"


@dataclass(frozen=True)
class Options:
    """One run. Seconds limit the timed runs, `sustained` is in minutes, `silence_s` is used with requests only."""

    model: str
    threads: int = 1
    delegate: str = "xnnpack"
    runtime: str | None = None
    runs: int = 50
    seconds: float = 1.0
    longest: float = 30.0
    sustained: float | None = None
    input: tuple[str, ...] = ()
    seed: int = 0
    outputs: str | None = None
    no_memory: bool = False
    no_timing: bool = False
    progress: bool = False
    silence_s: float = 60.0


_LIMITS: dict[str, tuple[float, float]] = {
    "threads": (1, 256), "runs": (1, 1_000_000), "seconds": (0, 3600), "longest": (0.1, 7200),
    "sustained": (0.01, 1440), "seed": (0, 2**32 - 1), "silence_s": (1, 3600),
}  # fmt: skip
_TEXTS = ("model", "delegate", "outputs")
_FLAGS = ("no_memory", "no_timing", "progress")
_WHOLE = ("threads", "runs", "seed")
_MAY_BE_NULL = ("runtime", "sustained", "outputs")


class _Parser(argparse.ArgumentParser):
    """Raises where argparse would print its usage and exit."""

    def error(self, message: str) -> NoReturn:
        raise Problem("usage", message, _HELP)


def parser() -> argparse.ArgumentParser:
    """The command line; `checked` checks the values, as it does those of a request."""
    made = _Parser(
        prog="edgekit-bench.pyz", allow_abbrev=False,
        description="Measure a .tflite file on this device; one JSON document goes to standard output.",
    )  # fmt: skip
    made.add_argument("model", nargs="?", metavar="MODEL", help="the .tflite file")
    made.add_argument("--threads", type=int, metavar="N", help="threads of the interpreter (1)")
    made.add_argument("--delegate", metavar="xnnpack|none|PATH", help="XNNPACK (default), none, or a delegate's .so")
    made.add_argument("--runtime", choices=RUNTIMES, help="default: litert, where it is installed")
    made.add_argument("--runs", type=int, metavar="N", help="at least so many timed runs (50)")
    made.add_argument("--seconds", type=float, metavar="T", help="and at least so many seconds (1)")
    made.add_argument("--longest", type=float, metavar="T", help="but no more seconds than these (30)")
    made.add_argument("--sustained", type=float, metavar="MIN", help="then run on for so many minutes")
    made.add_argument("--input", action="append", metavar="FILE.npy", help="one for each input, in the model's order")
    made.add_argument("--seed", type=int, metavar="N", help="of random inputs (0)")
    made.add_argument("--outputs", metavar="DIR", help="write the first inference's outputs there, as .npy files")
    made.add_argument("--no-memory", action="store_true", default=None, help="do not measure memory")
    made.add_argument("--no-timing", action="store_true", default=None, help="load and run once; no times at all")
    made.add_argument("--progress", action="store_true", default=None, help="JSON lines on standard error")
    made.add_argument("--facts", action="store_true", help="print what this device is, and run nothing")
    made.add_argument("--request", choices=["-"], help="take all this as one line of JSON from standard input")
    made.add_argument("--version", action="version", version="edgekit-bench " + VERSION)
    return made


def from_command_line(given: argparse.Namespace) -> Options:
    """The given options, and defaults for the others."""
    names = [field.name for field in fields(Options) if field.name != "silence_s"]
    raw = {name: getattr(given, name) for name in names if getattr(given, name) is not None}
    if "model" not in raw:
        raise Problem("usage", "no model was given", _HELP)
    return checked(raw)


def from_request(line: bytes) -> Options:
    """The options of a request, which must be one JSON object with known names and nothing else."""
    try:
        raw = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError):
        raise Problem("usage", "the request is not a line of JSON", "send one JSON object, then a newline") from None
    if not isinstance(raw, dict):
        raise Problem("usage", "the request is not a JSON object", "send one JSON object, then a newline")
    return checked(raw)


def checked(raw: dict[str, Any]) -> Options:
    """Options of the right types within their limits; raises `Problem` with the name of the wrong one."""
    known = [field.name for field in fields(Options)]
    for name in raw:
        if name not in known:
            raise _wrong(str(name), "an unknown name", "one of " + ", ".join(known))
    if "model" not in raw:
        raise _wrong("model", "missing", "the path of a .tflite file")
    return Options(**{name: _checked(name, value) for name, value in raw.items()})


def _checked(name: str, value: Any) -> Any:
    if value is None and name in _MAY_BE_NULL:
        return None
    if name in _FLAGS:
        if not isinstance(value, bool):
            raise _wrong(name, repr(value), "true or false")
        return value
    if name in _LIMITS:
        return _number(name, value)
    if name == "input":
        return tuple(_texts(value))
    if name == "runtime" and value not in RUNTIMES:
        raise _wrong(name, repr(value), " or ".join(RUNTIMES))
    if name in _TEXTS:
        return _texts([value], name)[0]
    return value


def _number(name: str, value: Any) -> Any:
    low, high = _LIMITS[name]
    kinds = (int,) if name in _WHOLE else (int, float)
    right = isinstance(value, kinds) and not isinstance(value, bool)
    if not right or not low <= value <= high:
        raise _wrong(name, repr(value), "a {} from {:g} to {:g}".format(
            "whole number" if name in _WHOLE else "number", low, high))  # fmt: skip
    return value


def _texts(value: Any, name: str = "input") -> list[str]:
    if not isinstance(value, (list, tuple)):
        raise _wrong(name, repr(value), "a list of paths")
    for text in value:
        if not isinstance(text, str) or not text or "\0" in text or not _can_be_named(text):
            raise _wrong(name, repr(text), "a path")
    return list(value)


def _can_be_named(text: str) -> bool:
    """Whether a file can have that name: half a surrogate pair cannot be encoded."""
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        return False
    return True


def _wrong(name: str, received: str, allowed: str) -> Problem:
    return Problem("usage", f"{name}: received {received[:200]}", f"give {allowed}")


def given(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line, parsed but not checked."""
    return parser().parse_args(argv)
