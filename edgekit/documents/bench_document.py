"""The document that the runner prints on a device, version 1: times, memory, operators, and what the device is.

Only the values. A board is not trusted, so every list and text has a limit, and no figure may be negative or infinite;
`edgekit.boards.runner_protocol` reads one from bytes. The runner, which makes it, does not import this module.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from edgekit.values import Value

SCHEMA_VERSION = 1
MOST_BYTES = 4 << 20
MOST_RAW = 20_000

_PRINTABLE = r"^[^\u0000-\u001f\u007f-\u009f]*$"  # no control characters, which a terminal would obey
Text = Annotated[str, Meta(max_length=2000, pattern=_PRINTABLE)]
Name = Annotated[str, Meta(max_length=1000, pattern=_PRINTABLE)]
Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", max_length=64)]
Count = Annotated[int, Meta(ge=0, le=1 << 53)]
Positive = Annotated[int, Meta(ge=1, le=1 << 53)]
Amount = Annotated[float, Meta(ge=0, le=1e12)]
Degrees = Annotated[float, Meta(ge=-100, le=300)]
Shape = Annotated[tuple[Count, ...], Meta(max_length=32)]
Raw = Annotated[tuple[Amount, ...], Meta(min_length=1, max_length=MOST_RAW)]
Names = Annotated[tuple[Name, ...], Meta(max_length=10_000)]
Flags = Annotated[tuple[Name, ...], Meta(max_length=64)]
Clocks = Annotated[tuple[Count | None, ...], Meta(max_length=4096)]
Kind = Literal["usage", "model", "input", "delegate", "output", "missing", "crash", "killed", "memory", "failed"]


class Model(Value):
    """The file that ran."""

    name: Name
    bytes: Count
    sha256: Sha256


class Latency(Value):
    """Milliseconds of one inference, over all timed runs; at batch 1 unless the inputs hold more samples.

    `steady`: two stretches of the warm-up agreed within five percent, and so did the medians of the first and the
    last third of the runs. `spread` is (p90 - p10) / median. `runs_ms` holds one in `runs_ms_every` runs, in order.
    """

    min_ms: Amount
    median_ms: Amount
    mean_ms: Amount
    p10_ms: Amount
    p90_ms: Amount
    p99_ms: Amount
    spread: Amount
    runs: Positive
    steady: bool
    warm_up_runs: Count
    warm_up_ms: Amount
    timed_s: Amount
    runs_ms: Raw
    runs_ms_every: Positive

    @property
    def slow(self) -> float:
        """How many times the median a tenth of the runs takes or longer."""
        return self.p90_ms / (self.median_ms or 1.0)


class Memory(Value):
    """Bytes that the process held at most, what of it the model added, and what was read to know it."""

    peak_bytes: Count
    added_bytes: Count
    how: Text


class OperatorTime(Value):
    """The time of one operator, and its share of all."""

    index: Count
    name: Name
    ms: Amount
    share: Annotated[float, Meta(ge=0, le=1)]


class Operators(Value):
    """The nodes of the main graph: how many, which delegate took how many, and the names of those that none took.

    Null where the runtime does not tell; `reason` says what is not known and why.
    """

    total: Count | None
    by_delegate: Annotated[dict[Name, Count], Meta(max_length=16)] | None
    left: Names | None
    profile: Annotated[tuple[OperatorTime, ...], Meta(max_length=10_000)] | None
    reason: Text | None


class Delegate(Value):
    """The delegate that was asked for and whether it took operators; null where the runtime does not tell."""

    asked: Name
    active: bool | None
    reason: Text | None


class Window(Value):
    """A part of a sustained run, as `what` names it."""

    what: Name
    seconds: Amount
    runs: Positive
    median_ms: Amount
    per_s: Amount


class Slice(Value):
    """A slice of a sustained run, and the temperature at its end."""

    start_s: Amount
    seconds: Amount
    runs: Positive
    median_ms: Amount
    per_s: Amount
    temperature_c: Degrees | None


class Sustained(Value):
    """Minutes without a pause: the first against the last; `change` is what the last median differs by, as a share."""

    minutes: Amount
    seconds: Amount
    runs: Positive
    first: Window
    last: Window
    change: Annotated[float, Meta(ge=-1, le=1e12)]
    slices: Annotated[tuple[Slice, ...], Meta(min_length=1, max_length=2000)]


class Input(Value):
    """What was fed in; the SHA-256 is that of the array's bytes in C order."""

    name: Name
    dtype: Name
    shape: Shape
    sha256: Sha256
    source: Name


class Output(Value):
    """What the first inference gave; `file` is its name in the folder that was asked for."""

    name: Name
    dtype: Name
    shape: Shape
    sha256: Sha256
    file: Annotated[str, Meta(pattern=r"^output-[0-9]{1,4}\.npy$(?!\n)")] | None


class ClockPair(Value):
    """Hertz of each core before and after the timed runs."""

    before: Clocks | None
    after: Clocks | None


class TemperaturePair(Value):
    """Degrees Celsius of the processor before and after the timed runs."""

    before: Degrees | None
    after: Degrees | None


class ThrottledPair(Value):
    """What throttles, or did since the device was started, before and after the timed runs."""

    before: Flags | None
    after: Flags | None


class LoadPair(Value):
    """The average load of the last minute, before and after the timed runs."""

    before: Amount | None
    after: Amount | None


class Environment(Value):
    """The device and what ran on it; null is what it does not tell."""

    board: Name | None
    machine: Name
    system: Name
    kernel: Name
    python: Name
    numpy: Name | None
    runtime: Literal["litert", "tflite_runtime"] | None
    runtime_version: Name | None
    threads: Positive | None
    processor: Name | None
    cores: Positive
    clocks_hz: ClockPair
    governor: Name | None
    temperature_c: TemperaturePair
    throttled: ThrottledPair
    load_average: LoadPair
    memory_total_bytes: Count | None
    memory_available_bytes: Count | None
    date: Annotated[str, Meta(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$", max_length=20)]


class BenchDocument(Value):
    """One run of the runner; times are null where none were asked for, `memory` where it was not or cannot be had."""

    schema_version: Literal[1]
    runner: Name
    model: Model
    latency: Latency | None
    load_ms: Amount | None
    first_ms: Amount | None
    memory: Memory | None
    operators: Operators
    delegate: Delegate
    sustained: Sustained | None
    inputs: Annotated[tuple[Input, ...], Meta(max_length=1000)]
    outputs: Annotated[tuple[Output, ...], Meta(max_length=1000)]
    environment: Environment
    notes: Annotated[tuple[Text, ...], Meta(max_length=100)]


class Reason(Value):
    """Why there is no document: the kind, what is wrong, what to do next."""

    kind: Kind
    what: Text
    next: Text


class Refusal(Value):
    """What the runner prints in place of a document."""

    schema_version: Literal[1]
    error: Reason


class FactsDocument(Value):
    """What `--facts` prints: the environment before any run, without a runtime where none imports."""

    schema_version: Literal[1]
    runner: Name
    environment: Environment
    notes: Annotated[tuple[Text, ...], Meta(max_length=100)]
