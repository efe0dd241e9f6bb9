"""What a bench gives: the runner's figures of one file on one device, beside what this machine knows of them.

Only the values. `edgekit.api.bench` computes them.
"""

from __future__ import annotations

from typing import Literal

from edgekit.documents.bench_document import (
    Delegate,
    Environment,
    Input,
    Latency,
    Memory,
    Model,
    Operators,
    Output,
    Sustained,
)
from edgekit.documents.report import Check
from edgekit.values import Value


class OutputAgreement(Value):
    """One output of the device against this machine's own, on the same input.

    `equal` of `values` are the same bit for bit. `largest_difference` is in the stored values: in steps of the output's
    scale where it is quantized (`in_steps`), else as they are; None where one is no finite number.
    """

    name: str
    values: int
    equal: int
    largest_difference: float | None
    in_steps: bool


class HostAgreement(Value):
    """The device's outputs against those of the same file on this machine, on the same input.

    `host` says what ran here; `bit_for_bit` is None, and `outputs` empty, where `reason` says why nothing was compared.
    """

    bit_for_bit: bool | None
    host: str | None
    outputs: tuple[OutputAgreement, ...] = ()
    reason: str = ""


class BenchResult(Value):
    """What `edgekit bench --json` prints, version 1.

    `device` is the profile's id, `on` where it ran, `board` what that says it is. `outcome` is 'pass' where every check
    against the profile's limits passed; `foreign` says why what it ran on is not the device. `kept` is the file that the
    measurement was kept in, `counts` whether the next report of this file on this device uses it, `notes` says why not.
    Times are null where it ran on an emulator. The rest is the runner's document (docs/on-device.md).
    """

    schema_version: Literal[1]
    edgekit_version: str
    device: str
    on: str
    board: str
    outcome: Literal["pass", "fail"]
    summary: str
    path: str
    model: Model
    latency: Latency | None
    load_ms: float | None
    first_ms: float | None
    memory: Memory | None
    operators: Operators
    delegate: Delegate
    sustained: Sustained | None
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    environment: Environment
    agreement: HostAgreement
    checks: tuple[Check, ...]
    foreign: str | None
    kept: str | None
    counts: bool
    notes: tuple[str, ...]
