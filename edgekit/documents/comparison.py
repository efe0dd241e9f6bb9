"""The values of `edgekit compare`: two results side by side, what changed in the file, and the results of `--fail-if`.

A is the result before, B the one now; every change is B minus A. How the two are read and compared is not known here.
"""

from __future__ import annotations

from typing import Literal

from edgekit.documents.candidate import Step
from edgekit.documents.report import Check, Metric
from edgekit.documents.shown import Shown
from edgekit.tflite.breakdown import OperatorRow
from edgekit.values import Value

SCHEMA_VERSION = 1
Change = Literal["added", "removed", "changed"]


class Side(Value):
    """One of the two: what was given, and what of it could be read.

    `path` is what was given and `file` the report or `.tflite` that was read of it. `model` is the `.tflite` that the
    operators and weights are taken from: the file itself, or the one beside a report whose hash it has; None where
    `model_reason` says why there is none. `device`, `outcome`, `candidate` and `steps` are a report's.
    """

    path: str
    kind: Literal["report", "tflite"]
    file: str
    device: str | None = None
    outcome: Literal["pass", "fail"] | None = None
    candidate: str | None = None
    steps: tuple[Step, ...] = ()
    sha256: str | None = None
    model: str | None = None
    model_reason: str = ""
    edgekit_version: str | None = None


class MetricChange(Value):
    """One metric of both; a side that has no figure has the reason in its `reason`.

    `change` is in the metric's unit. `percent` is of A's value. `points` are hundredths of a fraction, the difference
    of a metric that is in points itself, and for any other metric the percent of A's value. All are None where
    `reason` says why the two cannot be compared.
    """

    name: str
    unit: str
    a: Metric
    b: Metric
    change: float | None = None
    percent: float | None = None
    points: float | None = None
    reason: str = ""


class CheckChange(Value):
    """A check whose outcome or limit differs, or that only one of the two has."""

    name: str
    a: Check | None
    b: Check | None


class OperatorFacts(OperatorRow):
    """An operator with its version."""

    version: int


class OperatorChange(Value):
    """An operator that only one of the files has, or that differs in what `fields` name."""

    change: Change
    fields: tuple[str, ...] = ()
    a: OperatorFacts | None = None
    b: OperatorFacts | None = None


class WeightFacts(Value):
    """A constant tensor of weights as stored.

    `operator` is the label of the operator that uses it and `role` what for. `zeros` is the share of values that stand
    for 0.0; `distinct` counts stored values, in the whole tensor and at most in one channel where each has a scale of
    its own. They are None where the data cannot be read as numbers.
    """

    name: str
    operator: str
    role: str
    dtype: str
    shape: tuple[int, ...]
    size_bytes: int
    scales: int = 0
    scale_low: float | None = None
    scale_high: float | None = None
    zeros: float | None = None
    distinct: int | None = None
    distinct_in_channel: int | None = None


class WeightChange(Value):
    """A tensor of weights that only one of the files has, or that differs in what `fields` name.

    `distance` is how far the real values lie apart: the root of the summed squared differences over that of A's
    squares (0: equal; 1: as far as if B's were all zero). `largest` is the largest single difference. Both are None
    where `reason` says why.
    """

    change: Change
    fields: tuple[str, ...] = ()
    a: WeightFacts | None = None
    b: WeightFacts | None = None
    distance: float | None = None
    largest: float | None = None
    reason: str = ""


class FlashChange(Value):
    """Where a change of the file's size lies: in operators' constants, or in the rest (graph, names, quantization)."""

    total_bytes: int
    constants_bytes: int
    other_bytes: int


class FileChanges(Value):
    """Two `.tflite` files operator by operator and weight by weight; equal ones are only counted."""

    identical: bool
    flash: FlashChange
    equal_operators: int
    operators: tuple[OperatorChange, ...]
    equal_weights: int
    weights: tuple[WeightChange, ...]


class RuleResult(Value):
    """What a rule of `--fail-if` says: 'fail' where it applies, 'unknown' where that cannot be known, which fails too.

    `found` is what was held against `limit`, both in `unit`; they are None for a rule on the outcome.
    """

    rule: str
    metric: str
    kind: Literal["change", "limit", "outcome"]
    outcome: Literal["pass", "fail", "unknown"]
    limit: float | None = None
    found: float | None = None
    unit: str = ""
    reason: str = ""


class Comparison(Shown):
    """What `edgekit compare` prints, version 1.

    `outcome` is 'pass' where every rule passed, 'not asked' where there are none. `file` is None where `file_reason`
    says why operators and weights are not compared.
    """

    schema_version: int
    edgekit_version: str
    outcome: Literal["pass", "fail", "not asked"]
    a: Side
    b: Side
    rules: tuple[RuleResult, ...] = ()
    metrics: tuple[MetricChange, ...] = ()
    checks: tuple[CheckChange, ...] = ()
    file: FileChanges | None = None
    file_reason: str = ""
    notes: tuple[str, ...] = ()
