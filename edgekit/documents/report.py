"""The values of a verdict: metrics with their basis, checks with their outcome, and the report that holds them.

`report.json` is one `Report`; its JSON Schema is made from these types. How a verdict is reached is not known here.
"""

from __future__ import annotations

from typing import Any, Literal

from edgekit.documents.candidate import Declined, Step
from edgekit.documents.compiled import Compiled
from edgekit.documents.decisions import Decisions
from edgekit.documents.diet import FileDiet
from edgekit.documents.shown import Shown
from edgekit.values import Basis, Value

SCHEMA_VERSION = 1
Outcome = Literal["pass", "warn", "fail", "unknown", "not asked"]


class Metric(Value):
    """A figure with its unit and where it comes from; `value` is None where `reason` says why it cannot be had.

    `unit` is 'B', 'ms', 'fraction' (0 to 1), 'points' (0.01 of accuracy), 'MAC', or empty for a count. `low` and `high`
    bound a prediction or a 95% confidence interval, in the same unit. `split` names the data it was taken on, `runtime`
    and `threads` what ran it, or is predicted to. `samples` is how many samples the value is a share of, where it is one of decisions.
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
    samples: int | None = None


Metrics = dict[str, Metric]


class Check(Value):
    """One limit held against one figure; `limit`, `value`, `low` and `high` are in `unit`, the figure's own.

    `outcome` is 'pass', 'fail', 'unknown' (a limit is declared and the figure cannot be had: counts as failed), 'warn'
    (missed, and nobody asked for it: decides nothing) or 'not asked' (decides nothing); `reason` says why it is not
    'pass'. What is held against a list, as a dtype, is text.
    """

    name: str
    outcome: Outcome
    limit: float | str | None = None
    value: float | str | None = None
    unit: str = ""
    basis: Basis | None = None
    reason: str = ""
    low: float | None = None
    high: float | None = None


class Finding(Value):
    """Something about the data, the model or the search that makes the figures hard to believe.

    `name` is what kind it is (`docs/report.md` lists them), `what` says what was seen with its figures, `advice` what to do.
    It decides nothing by itself; with `--strict` each one fails.
    """

    name: str
    what: str
    advice: str


class InputFacts(Value):
    """What the device must feed, or gets back: shape with the batch, dtype, real range, quantization.

    `layout` says where the order of the axes is another one than in the ONNX or PyTorch model that was given. `low` and `high` are real values; a stored one is real = (stored - `zero_point`) * `scale`. Both are None where the
    dtype is not quantized.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    low: float | None = None
    high: float | None = None
    scale: float | None = None
    zero_point: int | None = None
    layout: str = ""


class Baseline(Value):
    """The unmodified model's float32 `.tflite`, judged by the same code on the same data; Keras's score beside it.

    `metrics` are by name, taken on the test split; `sha256` is the file's, None where there is none.
    """

    metrics: Metrics
    sha256: str | None = None


class Chosen(Value):
    """The artifact that was written, with the steps that made it; for `check` the file that was given.

    `path` is the file's name beside the report (`check`: as it was given), `sha256` that of its bytes. `metrics` are by
    name (`docs/report.md` lists them), taken on the test split; `inputs` and `outputs` are in the file's order. `compiled` is
    what the compiler of the device's NPU made of it, None where there is none. `layers` names the layer of each of the file's operators, for
    the file itself need not hold names; `diet` is what was dropped from the file, with the proof that it computes the same (None for `check`).
    `held` are inputs that the given model has and the file has not, with the values that they are held at.
    """

    candidate: str
    steps: tuple[Step, ...]
    path: str
    sha256: str
    metrics: Metrics
    inputs: tuple[InputFacts, ...] = ()
    outputs: tuple[InputFacts, ...] = ()
    compiled: Compiled | None = None
    layers: tuple[str, ...] = ()
    diet: FileDiet | None = None
    held: dict[str, str] = {}


class CandidateReport(Value):
    """One candidate that was tried: `outcome` is 'pass', 'fail' (a check), 'failed' (the trial) or 'control'.

    `evidence` is what was seen of each technique, `training` how each stage was trained.
    """

    candidate: str
    steps: tuple[Step, ...]
    outcome: str
    reason: str
    seconds: float
    metrics: Metrics = {}
    evidence: tuple[str, ...] = ()
    training: tuple[str, ...] = ()
    control: str | None = None


class Report(Shown):
    """`report.json`, version 1: what came of a build or a check for one device.

    `device` is the profile's id; `outcome` is 'pass' where every required check passed; `summary` says it in a line.
    `baseline` is what the drop is counted from (None for `check` without a reference), `chosen` the file (None where no
    candidate gave one), `checks` its limits against its figures on the test split. `candidates` are those that were
    tried, with their figures on the validation split, `declined` what was not tried and why, `data` the samples of each
    split, `decisions` what is decided on the test split class by class and sample by sample (None without data). It is frozen, and goes to JSON and back with `edgekit.values.to_json` and `from_json`.
    """

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
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    data: dict[str, Any] = {}
    decisions: Decisions | None = None

    def is_chosen(self, candidate: CandidateReport) -> bool:
        """Whether a candidate is the one that was chosen."""
        return self.chosen is not None and self.chosen.candidate == candidate.candidate
