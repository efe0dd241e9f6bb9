"""All figures of one finished `.tflite` on one device: the parent's side, which loads no interpreter.

What the bytes tell is read here; what has to be run is run by child processes with limits on memory and time, so
that a native crash or an endless loop becomes a value. Only with this machine's own profile are figures measured on the
device itself; for other devices the same kind of runtime is used here instead, and each figure says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from edgekit.devices.profile import DeviceProfile
from edgekit.documents.compiled import Compiled
from edgekit.documents.report import Check, Finding, InputFacts, Metric, Metrics
from edgekit.ingest.dataset import Dataset, Split
from edgekit.jobs.limits import memory_limit
from edgekit.jobs.limits import time_limit_s as limit_of
from edgekit.jobs.worker import Failed, Worker
from edgekit.measure import npu
from edgekit.measure.children import MODULE, Answer, Children, Loaded, is_device, score_job, targets_of
from edgekit.measure.figures import (
    OF_EXPANDED,
    agreed,
    arena_metric,
    decoding_checks,
    input_ranges,
    latency_metric,
    lost_columns,
    memory_metric,
    micro_checks,
    micro_evidence,
    output_names,
    output_ranges,
    score_metric,
    tensor_facts,
    unit_of,
    unknown,
)  # fmt: skip
from edgekit.measure.runtimes.predict import Prediction
from edgekit.measure.runtimes.registry import runtime_check
from edgekit.measure.runtimes.samples import arrays_of
from edgekit.measure.runtimes.unpacked import stand_in
from edgekit.measure.static import TITLES, Static, static
from edgekit.progress import Progress, no_progress
from edgekit.values import Basis, Value
from edgekit.verdict.drop import Drop, paired_drop
from edgekit.verdict.metric_spec import MetricSpec
from edgekit.verdict.task import OutputTask


class Measured(Value):
    """A file's metrics, the checks that its facts decide, its inputs and outputs, and its outputs for every sample.

    `scores` are paths of `.npy` files, float32, one an output of the model, one row a sample of the split in the
    order of `Dataset.rows`; empty without data, or if no runtime here runs the file. `how` says how the evaluation
    was run. `compiled` is the NPU compiler's result, whose `path` is beside the scores. `findings` come from comparing its
    outputs with the reference's.
    """

    metrics: Metrics
    checks: tuple[Check, ...]
    inputs: tuple[InputFacts, ...]
    outputs: tuple[InputFacts, ...]
    scores: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    how: str = ""
    compiled: Compiled | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def problem(self) -> str | None:
        """Why the file does not run on the device's kind of runtime; None if it does."""
        return next((one.reason for one in self.checks if one.name == "runtime" and one.outcome == "fail"), None)


class NotWanted(Failed):
    """A measurement that was ended before the accuracy was taken, and why: nothing is wrong with the file."""


Watch = Callable[[Metrics, Sequence[Check]], str | None]
"""Gets the figures and checks taken so far; returns why the rest is not wanted, or None."""


def no_watch(metrics: Metrics, checks: Sequence[Check]) -> str | None:
    """The default: everything is wanted."""


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
    tasks: Sequence[OutputTask] = (),
    root: Path | None = None,
    watch: Watch = no_watch,
    exists: bool = False,
) -> Measured | Failed:
    """Run a file on the device's kind of runtime and measure all that can be measured here.

    `scratch` is an existing folder for the outputs. `reference` are `.npy` files of another model's outputs on the
    same split (Keras's), for their agreement. `input_order` names for each input of the data the tensor that it
    feeds, `output_order` the tensor that each output of the data set's targets belongs to: tensor indices or names
    of the SignatureDef; by position if None. `tasks` say what each output of the data is for. `root` is the folder of the user's own metric function.
    `exists` is for a file that edgekit did not make (`static`). `time_limit_s` is for all of it; without one each job has a limit by the model's speed (`edgekit.jobs.limits`).

    A file that its runtime refuses, that crashes it or takes too long has a failing check `runtime`, and all figures that
    do not need that runtime: for a microcontroller also the score, which LiteRT gives. `watch` is called after the bytes are
    read, and after memory and latency: if it gives a reason, that is returned as `NotWanted`. Returns `Failed` if the file
    is not the cause: out of memory, or killed from outside. Raises `ModelError` for a file that is not a `.tflite` and
    `DataError` if data and model do not go together.
    """
    known = static(tflite, profile, exists=exists)
    with stand_in(known.model, profile) as expanded:
        asked = Children(tflite, profile, dataset, split, progress, time_limit_s, expanded)
        try:
            return _Measuring(known, asked, metric, tasks, watch).run(
                scratch, reference, input_order, output_order, root
            )
        except _NoVerdict as none:
            return none.failed
        except _Unwanted as ended:
            return NotWanted(reason=ended.reason)
        finally:
            asked.close()


def outputs_of(
    tflite: Path,
    profile: DeviceProfile,
    *,
    dataset: Dataset,
    split: Split,
    scratch: Path,
    progress: Progress = no_progress,
    input_order: Sequence[int | str] | None = None,
    output_order: Sequence[int | str] | None = None,
) -> tuple[str, ...] | Failed:
    """Only the outputs of a file for every sample of a split, as in `Measured.scores`; arguments as in `measure`."""
    with stand_in(static(tflite, profile).model, profile) as expanded:
        asked = Children(tflite, profile, dataset, split, progress, None, expanded)
        try:
            loaded = asked.load()
            found = loaded if isinstance(loaded, Failed) else asked.predict(scratch, input_order, output_order)
            return found if isinstance(found, Failed) else found.paths
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
    """The paired drop between two `Measured.scores` on the same split; a user's own metric runs in a child.

    `Failed` if one of them has no scores, or the metric crashes or exceeds its time limit.
    """
    if not baseline or not scores:
        whose = "the file itself" if baseline else "the file that it is counted from"
        return Failed(reason=f"{whose} does not run here, and gave no outputs", repeatable=True)
    if ":" not in metric.name:
        return paired_drop(metric, targets_of(dataset, split), arrays_of(baseline), arrays_of(scores))
    limit = limit_of("score", samples=2 * dataset.splits[split].samples) if time_limit_s is None else time_limit_s
    job = score_job(metric, dataset, split, scores, root, limit) | {"baseline": list(baseline)}
    with Worker(MODULE, memory_bytes=memory_limit()) as worker:
        answer = worker.run(job, time_limit_s=limit)
    return answer if isinstance(answer, Failed) else msgspec.convert(answer.value, Drop)


def basis_of(profile: DeviceProfile) -> Basis:
    """The basis of a score taken here: 'measured' if this machine is the device."""
    return "measured" if is_device(profile) else "simulated"


def drop_metric(found: Drop | Failed, split: Split, basis: Basis = "simulated") -> Metric:
    """A drop as the metric `accuracy_drop`, in points; `basis` is that of the scores (`basis_of`)."""
    if isinstance(found, Failed):
        return Metric(value=None, unit="points", basis=None, source="", split=split, reason=found.reason)
    return Metric(
        value=found.points,
        unit="points",
        basis=basis if found.points is not None else None,
        source=f"paired with the baseline on {found.samples} samples; 95% interval: {found.method}",
        low=found.low,
        high=found.high,
        split=split,
        reason=found.reason,
        samples=found.samples if found.of_decisions else None,
    )


class _Measuring:
    """One measurement: what was found so far, and at what the runtime failed."""

    def __init__(
        self, known: Static, ask: Children, metric: MetricSpec, tasks: Sequence[OutputTask], watch: Watch
    ) -> None:
        self._known, self._ask, self._metric, self._tasks, self._watch = known, ask, metric, tasks, watch
        self._metrics: Metrics = dict(known.metrics)
        self._checks: list[Check] = []
        self._problems: list[str] = []
        self._runtime = TITLES[ask.profile.runtime.kind]
        self._findings: list[Finding] = []
        self._evidence = ""
        self._notes: list[str] = []
        self._is_micro = ask.profile.runtime.kind == "tflite_micro"
        self._micro_fails: Failed | None = None
        self._npu: npu.Asked | None = None

    def run(
        self,
        scratch: Path,
        reference: Sequence[Path] | None,
        input_order: Sequence[int | str] | None,
        output_order: Sequence[int | str] | None,
        root: Path | None,
    ) -> Measured:
        if not self._ask.profile.is_compiled_here:  # with an NPU these figures come from its compiler
            predicted = {} if self._ask.on_device else {"latency": latency_metric(None, self._known, self._ask)}
            self._require_wanted({**self._metrics, **predicted}, self._known.checks)
        self._npu = self._asked_of_the_npu(scratch)
        loaded = self._loaded_on_micro() if self._is_micro else self._verdict(self._ask.load())
        if isinstance(loaded, Failed):
            return self._not_run(loaded)
        self._costs(loaded, input_order)
        so_far = self._made((), ())
        self._require_wanted(so_far.metrics, so_far.checks)
        inputs, outputs = tensor_facts(loaded.inputs), tensor_facts(loaded.outputs)
        if self._ask.dataset is None:
            return self._made(inputs, outputs)
        inputs = input_ranges(loaded, self._ask, input_order)
        prediction = self._verdict(self._ask.predict(scratch, input_order, output_order))
        if isinstance(prediction, Failed):
            self._no_score(prediction)
            return self._made(inputs, outputs)
        outputs = output_ranges(loaded, prediction, output_order)
        found = _of_the_file(self._ask.score(self._metric, prediction, root))
        ran = f"{loaded.runtime} on this machine{OF_EXPANDED if self._ask.runs_expanded else ''}"
        source = f"{ran}, {prediction.samples} samples{self._evidence}"
        self._metrics[self._metric.name] = score_metric(self._metric, found, self._ask, source)
        if reference:
            names = output_names(loaded, output_order)
            self._metrics["agreement"], check = agreed(reference, prediction, self._tasks, self._ask, names)
            self._checks.append(check)
            self._findings += lost_columns(reference, prediction, self._tasks, outputs, names)
        return self._made(inputs, outputs, prediction)

    def _require_wanted(self, metrics: Metrics, checks: Sequence[Check]) -> None:
        """End the measurement if what is known so far makes the rest unnecessary."""
        reason = self._watch(metrics, checks)
        if reason is not None:
            raise _Unwanted(reason)

    def _loaded_on_micro(self) -> Loaded | Failed:
        """The file opened by the microcontroller's own interpreter, whose answer decides; LiteRT evaluates if it opens the file too."""
        own = self._verdict(self._ask.load_on_micro())
        fast = _of_the_file(self._ask.load())
        if isinstance(own, Failed):
            self._micro_fails = own
            return own if isinstance(fast, Failed) else fast
        if isinstance(fast, Loaded):
            return fast
        self._ask.evaluate_on_micro()
        said = fast.reason if fast.reason.startswith(TITLES["litert"]) else f"{TITLES['litert']} fails: {fast.reason}"
        self._notes.append(f"{own.runtime} alone judged the file: {said}")
        return own

    def _asked_of_the_npu(self, scratch: Path) -> npu.Asked | None:
        """The NPU compiler's result for the file; None if the device has no compiler that edgekit runs."""
        if not self._ask.profile.is_compiled_here:
            return None
        reason = npu.missing()
        if reason is not None:
            return npu.not_asked(reason, self._runtime)
        answer = _of_the_file(self._ask.compile(scratch))
        return npu.answered(answer, self._known.model, self._ask.profile, scratch)

    def _costs(self, loaded: Loaded, input_order: Sequence[int | str] | None) -> None:
        """Memory and latency; a microcontroller's memory is the arena of its own interpreter."""
        ask = self._ask
        if self._is_micro:
            failed = self._micro_fails
            micro = self._verdict(ask.micro(input_order)) if failed is None else failed
            self._metrics["ram"] = arena_metric(micro)
            if not isinstance(micro, Failed):
                self._runtime, self._evidence = micro.runtime, micro_evidence(micro)
                self._checks += [*micro_checks(micro), *decoding_checks(micro)]
                self._known = as_it_ran(self._known, micro.runtime)
        else:
            self._runtime = ask.runtime_title(loaded.runtime)
            self._metrics["ram"] = memory_metric(self._verdict(ask.memory()), ask)
        timed = self._verdict(ask.latency()) if ask.on_device else None
        self._metrics["latency"] = latency_metric(timed, self._known, ask)

    def _not_run(self, failed: Failed) -> Measured:
        """What is known about a file that does not run here at all: what its bytes tell."""
        self._metrics["ram"] = arena_metric(failed) if self._is_micro else memory_metric(failed, self._ask)
        self._metrics["latency"] = latency_metric(failed if self._ask.on_device else None, self._known, self._ask)
        if self._ask.dataset is not None:
            self._no_score(failed)
        return self._made(self._known.inputs, self._known.outputs)

    def _no_score(self, failed: Failed) -> None:
        self._metrics[self._metric.name] = unknown(unit_of(self._metric), failed.reason, split=self._ask.split)

    def _verdict(self, answer: Answer | Failed) -> Answer | Failed:
        """The answer; a failure caused by the file also fails its check."""
        found = _of_the_file(answer)
        if isinstance(found, Failed) and found.reason not in self._problems:
            self._problems.append(found.reason)
        return found

    def _made(
        self, inputs: tuple[InputFacts, ...], outputs: tuple[InputFacts, ...], prediction: Prediction | None = None
    ) -> Measured:
        problem = "; ".join(self._problems) or None
        runs = runtime_check(self._ask.profile, self._runtime, problem, basis=self._ask.basis())
        checks, asked = (*self._known.checks, runs, *self._checks), self._npu
        return Measured(
            metrics=npu.over(self._metrics, asked) if asked else self._metrics,
            checks=npu.in_place(checks, asked, problem) if asked else checks,
            inputs=inputs,
            outputs=outputs,
            scores=prediction.paths if prediction else (),
            notes=(*self._known.notes, *self._notes, *(npu.notes((), asked) if asked else ())),
            how=prediction.how if prediction else "",
            compiled=asked.compiled if asked else None,
            findings=tuple(self._findings),
        )


def as_it_ran(known: Static, runtime: str) -> Static:
    """The facts of a file after its runtime ran all its operators: that proves more than the operator table."""
    checks = tuple(
        msgspec.structs.replace(
            check,
            outcome="pass",
            value="all run",
            basis="simulated",
            reason=f"{runtime} runs them; the table: {check.reason}",
        )
        if check.name == "operators" and check.outcome == "fail"
        else check
        for check in known.checks
    )
    return msgspec.structs.replace(known, checks=checks)


class _Unwanted(Exception):
    """Ends a measurement of which the rest is not wanted."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class _NoVerdict(Exception):
    """Ends a measurement that tells nothing about the file: out of memory, or killed from outside."""

    def __init__(self, failed: Failed) -> None:
        self.failed = failed
        super().__init__(failed.reason)


def _of_the_file(answer: Answer | Failed) -> Answer | Failed:
    """An answer, or a failure caused by the file (or the user's metric); raises `_NoVerdict` for any other failure."""
    if isinstance(answer, Failed) and not (answer.repeatable or answer.timed_out):
        raise _NoVerdict(answer)
    return answer
