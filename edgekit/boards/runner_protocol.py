"""The host's side of the runner: its request as one line of JSON, and the board's answer.

Nothing of an answer is trusted: neither its size, depth and types, nor that its figures fit together. What a
measurement means is not known here.
"""

from __future__ import annotations

import itertools
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta

from edgekit.documents.bench_document import MOST_BYTES, MOST_RAW, BenchDocument, FactsDocument, Refusal
from edgekit.errors import DeviceError, InputError
from edgekit.values import Value, from_json

__all__ = [
    "BenchDocument",
    "FactsDocument",
    "Refusal",
    "Request",
    "answer",
    "document",
    "facts",
    "request_line",
    "require_consistent",
]

_NEXT = "see whether another program writes to the runner's output there, then run it again"
_ROUNDING = 1e-6
V = TypeVar("V", bound=Value)


class Request(Value):
    """One run of the runner: `edgekit/boards/runner/arguments.py` accepts exactly these names.

    `seconds` and `longest` bound the timed runs, `sustained` is in minutes. The runner kills itself if no byte comes
    for `silence_s` seconds after the request.
    """

    model: str
    threads: Annotated[int, Meta(ge=1, le=256)] = 1
    delegate: str = "xnnpack"
    runtime: Literal["litert", "tflite_runtime"] | None = None
    runs: Annotated[int, Meta(ge=1, le=1_000_000)] = 50
    seconds: Annotated[float, Meta(ge=0, le=3600)] = 1.0
    longest: Annotated[float, Meta(ge=0.1, le=7200)] = 30.0
    sustained: Annotated[float, Meta(ge=0.01, le=1440)] | None = None
    input: tuple[str, ...] = ()
    seed: Annotated[int, Meta(ge=0, le=2**32 - 1)] = 0
    outputs: str | None = None
    no_memory: bool = False
    no_timing: bool = False
    progress: bool = False
    silence_s: Annotated[float, Meta(ge=1, le=3600)] = 60.0


def request_line(request: Request) -> bytes:
    """The request as one line for the runner's standard input."""
    return msgspec.json.encode(request) + b"\n"


def answer(data: bytes, *, where: str = "the runner's answer") -> BenchDocument | Refusal:
    """The document that came back, or why there is none.

    Raises `DeviceError` if it is neither, is larger than 4 MiB, or contradicts itself.
    """
    refused = b'"error"' in data[:200]
    if refused:
        return _read(data, Refusal, where)
    found = _read(data, BenchDocument, where)
    require_consistent(found, where=where)
    return found


def document(data: bytes, *, where: str = "the runner's answer") -> BenchDocument:
    """The document of a run; raises `DeviceError` as `answer` does, and if the runner refused."""
    found = answer(data, where=where)
    if isinstance(found, Refusal):
        raise DeviceError(found.error.what, where=where, received=found.error.kind, next_step=found.error.next)
    return found


def facts(data: bytes, *, where: str = "the runner's answer") -> FactsDocument:
    """What `--facts` prints; raises `DeviceError`."""
    return _read(data, FactsDocument, where)


def _read(data: bytes, kind: type[V], where: str) -> V:
    if len(data) > MOST_BYTES:
        raise DeviceError(
            "the answer is too long", where=where, received=f"{len(data)} bytes", allowed="4 MiB", next_step=_NEXT
        )
    try:
        return from_json(data, kind, where=where)
    except InputError as problem:
        raise DeviceError(
            f"no document of the runner: {problem.what}",
            where=problem.where,
            received=repr(data[:200].decode("utf-8", "replace")) if problem.received is None else problem.received,
            allowed=problem.allowed,
            next_step=_NEXT,
        ) from None


def require_consistent(found: BenchDocument, *, where: str) -> None:
    """Raise `DeviceError` unless times are positive, percentiles in order, and runs and median those of the raw runs."""
    latency = found.latency
    if latency is None:
        return
    if latency.median_ms == 0:
        raise _contradiction("an inference that takes no time", where)
    points = (latency.min_ms, latency.p10_ms, latency.median_ms, latency.p90_ms, latency.p99_ms)
    if any(after < before - _ROUNDING for before, after in itertools.pairwise(points)):
        raise _contradiction("percentiles that do not rise", where)
    kept = len(latency.runs_ms)
    if latency.runs_ms_every > 1 and kept * 2 < MOST_RAW:
        raise _contradiction("raw runs that were thinned without need", where)
    if latency.runs_ms_every == 1 and kept != latency.runs:
        raise _contradiction(f"{latency.runs} runs, and {kept} raw ones", where)
    if latency.runs_ms_every == 1:
        ordered = sorted(latency.runs_ms)
        low, high = ordered[(kept - 1) // 2], ordered[kept // 2]
        if not low - _ROUNDING <= latency.median_ms <= high + _ROUNDING:
            raise _contradiction("a median that is not that of the raw runs", where)


def _contradiction(what: str, where: str) -> DeviceError:
    return DeviceError("the document contradicts itself", where=f"{where}: latency", received=what, next_step=_NEXT)
