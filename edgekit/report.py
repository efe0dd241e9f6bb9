"""The values of a verdict: metrics with their basis, checks with their outcome, and the report that holds them.

`report.json` is one `Report`; its JSON Schema is made from these types. How a verdict is reached is not here.
"""

from __future__ import annotations

from typing import Any, Literal

from edgekit.candidate import Declined, Step
from edgekit.values import Value

SCHEMA_VERSION = 1
Basis = Literal["measured", "simulated", "predicted", "published", "declared"]
Outcome = Literal["pass", "fail", "unknown", "not asked"]


class Metric(Value):
    """A figure with its unit and where it comes from; `value` is None where `reason` says why it cannot be had.

    `low` and `high` bound a prediction or a 95% confidence interval. `split` names the data it was taken on.
    """

    value: float | int | None
    unit: str
    basis: Basis | None
    source: str
    low: float | None = None
    high: float | None = None
    split: str | None = None
    runtime: str | None = None
    threads: int | None = None
    reason: str | None = None


Metrics = dict[str, Metric]


class Check(Value):
    """One limit held against one figure; units are those of the figure."""

    name: str
    outcome: Outcome
    limit: float | str | None = None
    value: float | str | None = None
    unit: str = ""
    basis: Basis | None = None
    reason: str = ""
    low: float | None = None
    high: float | None = None


class InputFacts(Value):
    """What the device must feed, or gets back: shape with the batch, dtype, real range, quantization."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    low: float | None = None
    high: float | None = None
    scale: float | None = None
    zero_point: int | None = None


class Baseline(Value):
    """The unmodified model's float32 `.tflite`, judged by the same code on the same data; Keras's score beside it."""

    metrics: Metrics
    sha256: str | None = None


class Chosen(Value):
    """The artifact that was written, with the steps that made it."""

    candidate: str
    steps: tuple[Step, ...]
    path: str
    sha256: str
    metrics: Metrics
    inputs: tuple[InputFacts, ...] = ()
    outputs: tuple[InputFacts, ...] = ()


class CandidateReport(Value):
    """One candidate that was tried: `outcome` is 'pass', 'fail' (a check), 'failed' (the trial) or 'control'."""

    candidate: str
    steps: tuple[Step, ...]
    outcome: str
    reason: str
    seconds: float
    metrics: Metrics = {}
    evidence: tuple[str, ...] = ()
    control: str | None = None


class Report(Value):
    """`report.json`, version 1."""

    schema_version: int = SCHEMA_VERSION
    edgekit_version: str = ""
    device: str = ""
    outcome: Literal["pass", "fail"] = "fail"
    summary: str = ""
    baseline: Baseline | None = None
    chosen: Chosen | None = None
    checks: tuple[Check, ...] = ()
    candidates: tuple[CandidateReport, ...] = ()
    declined: tuple[Declined, ...] = ()
    notes: tuple[str, ...] = ()
    data: dict[str, Any] = {}
