"""Everything that is known of one finished `.tflite` on one device: the parent's side, which loads no interpreter.

What the bytes say is read here; what has to be run is asked of child processes with a limit on memory and time, so
that a native crash or an endless loop becomes a value. Figures of the device itself are only those of `host`; for
other devices the same kind of runtime stands in here, and each figure says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from edgekit import metrics as scores_of
from edgekit.child import Progress
from edgekit.dataset import Dataset, Split
from edgekit.jobs import Failed, Worker, no_progress
from edgekit.metric_spec import MetricSpec
from edgekit.metrics import Drop
from edgekit.planner import verdict
from edgekit.profile import DeviceProfile
from edgekit.report import Check, InputFacts, Metric, Metrics
from edgekit.runtimes.children import MODULE, Children, Stopped, arrays_of, memory_limit, score_job, targets_of
from edgekit.runtimes.figures import (
    agreed,
    arena_metric,
    memory_metric,
    micro_check,
    micro_evidence,
    score_metric,
    tensor_facts,
    with_ranges,
)  # fmt: skip
from edgekit.runtimes.predict import Prediction
from edgekit.runtimes.static import Static, static
from edgekit.values import Value


class Measured(Value):
    """A file's metrics, the checks that its facts decide, its inputs and outputs, and its outputs for every sample.

    `scores` are paths of `.npy` files, float32, one an output of the model, one row a sample of the split in the
    order of `Dataset.rows`; empty without data. `how` says how the evaluation was run.
    """

    metrics: Metrics
    checks: tuple[Check, ...]
    inputs: tuple[InputFacts, ...]
    outputs: tuple[InputFacts, ...]
    scores: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    how: str = ""


def measure(
    tflite: Path,
    profile: DeviceProfile,
    *,
    dataset: Dataset | None,
    split: Split,
    metric: MetricSpec,
    scratch: Path,
    progress: Progress = no_progress,
    time_limit_s: float | None = None,
    reference: Sequence[Path] | None = None,
    input_order: Sequence[int | str] | None = None,
    output_order: Sequence[int | str] | None = None,
    root: Path | None = None,
) -> Measured | Failed:
    """Run a file on the device's kind of runtime and measure all that can be measured here.

    `scratch` is an existing folder for the outputs. `reference` are `.npy` files of another model's outputs on the
    same split (Keras's), for their agreement. `input_order` names for each input of the data the tensor that it
    feeds, `output_order` the tensor that each output of the data set's targets belongs to: tensor indices or names
    of the SignatureDef; by position where None. `root` is the folder of the user's own metric function.
    Returns `Failed` where the file does not load or run, crashes or exceeds a limit; raises `ModelError` for a file
    that is no `.tflite` and `DataError` where data and model do not go together.
    """
    known = static(tflite, profile)
    asked = Children(tflite, profile, dataset, split, progress, time_limit_s)
    try:
        return _measure(known, asked, metric, scratch, reference, input_order, output_order, root)
    except Stopped as stopped:
        return stopped.failed
    finally:
        asked.close()


def drop(
    metric: MetricSpec,
    dataset: Dataset,
    split: Split,
    baseline: Sequence[str],
    scores: Sequence[str],
    *,
    root: Path | None = None,
    time_limit_s: float | None = None,
) -> Drop | Failed:
    """The paired drop of two `Measured.scores` on the same split; a user's own metric runs in a child."""
    if ":" not in metric.name:
        return scores_of.paired_drop(metric, targets_of(dataset, split), arrays_of(baseline), arrays_of(scores))
    job = score_job(metric, dataset, split, scores, root) | {"baseline": list(baseline)}
    with Worker(MODULE, memory_bytes=memory_limit()) as worker:
        answer = worker.run(job, time_limit_s=time_limit_s)
    return answer if isinstance(answer, Failed) else msgspec.convert(answer.value, Drop)


def drop_metric(found: Drop | Failed, split: Split) -> Metric:
    """A drop as the metric `accuracy_drop`, in points."""
    if isinstance(found, Failed):
        return Metric(value=None, unit="points", basis=None, source="", split=split, reason=found.reason)
    return Metric(
        value=found.points,
        unit="points",
        basis="simulated",
        source=f"paired with the baseline on {found.samples} samples; 95% interval: {found.method}",
        low=found.low,
        high=found.high,
        split=split,
        reason=found.reason,
    )


def _measure(
    known: Static,
    ask: Children,
    metric: MetricSpec,
    scratch: Path,
    reference: Sequence[Path] | None,
    input_order: Sequence[int | str] | None,
    output_order: Sequence[int | str] | None,
    root: Path | None,
) -> Measured:
    loaded = ask.load()
    inputs, outputs = tensor_facts(loaded["inputs"]), tensor_facts(loaded["outputs"])
    checks = list(known.checks)
    metrics = dict(known.metrics)
    evidence = ""
    if ask.profile.runtime.kind == "tflite_micro":
        micro = ask.micro(input_order)
        metrics["ram"], evidence = arena_metric(micro), micro_evidence(micro)
        checks += [verdict.runtime_check(micro.runtime), micro_check(micro)]
    else:
        metrics["ram"] = memory_metric(ask.memory(), ask)
        checks.append(verdict.runtime_check(ask.runtime_title(loaded["runtime"])))
    metrics["latency"] = ask.latency(known)
    prediction: Prediction | None = None
    if ask.dataset is not None:
        prediction = ask.predict(scratch, input_order, output_order)
        inputs, outputs = with_ranges(inputs, outputs, ask, prediction)
        found = ask.score(metric, prediction, root)
        source = f"{loaded['runtime']} on this machine, {prediction.samples} samples{evidence}"
        metrics[metric.name] = score_metric(metric, found, ask, source)
        if reference:
            metrics["agreement"], check = agreed(reference, prediction, metric, ask.split)
            checks.append(check)
    return Measured(
        metrics=metrics,
        checks=tuple(checks),
        inputs=inputs,
        outputs=outputs,
        scores=prediction.paths if prediction else (),
        notes=known.notes,
        how=prediction.how if prediction else "",
    )
