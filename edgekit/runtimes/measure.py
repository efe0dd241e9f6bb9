"""Everything that is known of one finished `.tflite` on one device: the parent's side, which loads no interpreter.

What the bytes say is read here; what has to be run is asked of child processes with a limit on memory and time, so
that a native crash or an endless loop becomes a value. Figures of the device itself are only those of `host`; for
other devices the same kind of runtime stands in here, and each figure says so.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from edgekit import metrics as scores_of
from edgekit.child import Progress
from edgekit.dataset import Dataset, Split
from edgekit.jobs import Done, Failed, Worker, no_progress
from edgekit.metric_spec import MetricSpec
from edgekit.metrics import Drop, Score
from edgekit.planner import verdict
from edgekit.profile import DeviceProfile
from edgekit.report import Basis, Check, InputFacts, Metric, Metrics
from edgekit.runtimes.interface import Port
from edgekit.runtimes.latency import Latency
from edgekit.runtimes.memory import Memory
from edgekit.runtimes.micro import Micro
from edgekit.runtimes.predict import Prediction
from edgekit.runtimes.static import TITLES, Static, predicted_latency, static
from edgekit.values import Value, to_builtins

if TYPE_CHECKING:
    import numpy as np

MODULE = "edgekit.runtimes"
SAMPLE = 32
MEMORY_SHARE = 0.75
ADDRESS_SPACE_BYTES = 4 << 30
MICRO_STEPS = 16


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
    asked = _Children(tflite, profile, dataset, split, progress, time_limit_s)
    try:
        return _measure(known, asked, metric, scratch, reference, input_order, output_order, root)
    except _Stopped as stopped:
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
        return scores_of.paired_drop(metric, _targets(dataset, split), _arrays(baseline), _arrays(scores))
    job = _score_job(metric, dataset, split, scores, root) | {"baseline": list(baseline)}
    with Worker(MODULE, memory_bytes=_memory_limit()) as worker:
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
    ask: _Children,
    metric: MetricSpec,
    scratch: Path,
    reference: Sequence[Path] | None,
    input_order: Sequence[int | str] | None,
    output_order: Sequence[int | str] | None,
    root: Path | None,
) -> Measured:
    loaded = ask.load()
    inputs, outputs = _facts(loaded["inputs"]), _facts(loaded["outputs"])
    checks = list(known.checks)
    metrics = dict(known.metrics)
    evidence = ""
    if ask.profile.runtime.kind == "tflite_micro":
        micro = ask.micro(input_order)
        metrics["ram"], evidence = _arena(micro), _evidence(micro)
        checks += [verdict.runtime_check(micro.runtime), _micro_check(micro)]
    else:
        metrics["ram"] = _memory_metric(ask.memory(), ask)
        checks.append(verdict.runtime_check(ask.runtime_title(loaded["runtime"])))
    metrics["latency"] = ask.latency(known)
    prediction: Prediction | None = None
    if ask.dataset is not None:
        prediction = ask.predict(scratch, input_order, output_order)
        inputs, outputs = _with_ranges(inputs, outputs, ask, prediction)
        found = ask.score(metric, prediction, root)
        source = f"{loaded['runtime']} on this machine, {prediction.samples} samples{evidence}"
        metrics[metric.name] = _score_metric(metric, found, ask, source)
        if reference:
            agreed, check = _agreement(reference, prediction, metric, ask.split)
            metrics["agreement"] = agreed
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


class _Stopped(Exception):
    """A job gave no result: the measurement ends here, as a value."""

    def __init__(self, failed: Failed) -> None:
        self.failed = failed
        super().__init__(failed.reason)


class _Children:
    """The child processes of one measurement, and what they all need to know."""

    def __init__(
        self,
        tflite: Path,
        profile: DeviceProfile,
        dataset: Dataset | None,
        split: Split,
        progress: Progress,
        time_limit_s: float | None,
    ) -> None:
        self.profile, self.dataset, self.split = profile, dataset, split
        self._model = str(tflite.resolve())
        self._progress = progress
        self._deadline = None if time_limit_s is None else time.monotonic() + time_limit_s
        self._limit_s = time_limit_s
        self._worker = Worker(MODULE, memory_bytes=_memory_limit(dataset))
        self._kind = _runs_here(profile.runtime.kind)

    def close(self) -> None:
        self._worker.close()

    def runtime_title(self, described: str) -> str:
        wanted = self.profile.runtime.kind
        return described if wanted == self._kind else f"{described}, in place of {TITLES[wanted]}"

    def load(self) -> dict[str, Any]:
        """The ends of the model; a microcontroller's are those LiteRT sees, which runs all that it does."""
        found: dict[str, Any] = self._ask("load")
        return found

    def micro(self, input_order: Sequence[int | str] | None) -> Micro:
        job = self._data_job(input_order) | {"limit": SAMPLE} if self.dataset is not None else {}
        return msgspec.convert(self._ask("micro", **job), Micro)

    def memory(self) -> Memory | Failed:
        with Worker(MODULE, memory_bytes=_memory_limit()) as fresh:
            answer = fresh.run(self._job("memory", threads=self._threads()), time_limit_s=self._left())
        if isinstance(answer, Failed) or "refused" in answer.value:
            return answer if isinstance(answer, Failed) else Failed(reason=answer.value["refused"])
        return msgspec.convert(answer.value, Memory)

    def latency(self, known: Static) -> Metric:
        """Measured on this machine's own profile, else predicted."""
        if self.profile.id != "host":
            return predicted_latency(known.model, self.profile)
        threads = self._threads()
        found = msgspec.convert(self._ask("latency", threads=threads), Latency)
        steady = "" if found.steady else ", not steady after the warm-up"
        return Metric(
            value=found.median_ms,
            unit="ms",
            basis="measured",
            source=f"median of {found.runs} runs at batch 1, low and high are the 10th and 90th percentile{steady}",
            low=found.p10_ms,
            high=found.p90_ms,
            runtime=self._kind,
            threads=threads,
        )

    def predict(
        self, scratch: Path, input_order: Sequence[int | str] | None, output_order: Sequence[int | str] | None
    ) -> Prediction:
        job = self._data_job(input_order) | {"out": str((scratch / f"{self.split}-output").resolve())}
        if output_order is not None:
            job["output_order"] = list(output_order)
        return msgspec.convert(self._ask("predict", **job), Prediction)

    def score(self, metric: MetricSpec, prediction: Prediction, root: Path | None) -> Score:
        assert self.dataset is not None
        if ":" not in metric.name:
            return scores_of.score(metric, _targets(self.dataset, self.split), _arrays(prediction.paths))
        job = _score_job(metric, self.dataset, self.split, prediction.paths, root)
        return msgspec.convert(self._run(job), Score)

    def basis(self) -> Basis:
        return "measured" if self.profile.id == "host" else "simulated"

    def kind(self) -> str:
        return self._kind

    def _threads(self) -> int:
        return max(1, self.profile.runtime.threads)

    def _data_job(self, input_order: Sequence[int | str] | None) -> dict[str, Any]:
        assert self.dataset is not None
        order = None if input_order is None else list(input_order)
        return {"dataset": self.dataset.root, "split": self.split, "input_order": order}

    def _job(self, do: str, **more: Any) -> dict[str, Any]:
        return {"do": do, "runtime": self._kind, "model": self._model, **more}

    def _ask(self, do: str, **more: Any) -> Any:
        return self._run(self._job(do, **more))

    def _run(self, job: dict[str, Any]) -> Any:
        answer = self._worker.run(job, progress=self._progress, time_limit_s=self._left())
        if isinstance(answer, Done) and isinstance(answer.value, dict) and "refused" in answer.value:
            where = TITLES["tflite_micro" if job["do"] == "micro" else self._kind]
            answer = Failed(reason=f"{where} does not run it: {answer.value['refused']}")
        if isinstance(answer, Failed):
            raise _Stopped(answer)
        return answer.value

    def _left(self) -> float | None:
        """Seconds that are left of the time limit, at least one, so that the message can name the limit."""
        return None if self._deadline is None else max(1.0, self._deadline - time.monotonic())


def _runs_here(kind: str) -> str:
    """The runtime that evaluates here: tflite-runtime where it is installed, else its successor LiteRT."""
    from edgekit.extras import is_installed

    return "tflite_runtime" if kind == "tflite_runtime" and is_installed("tflite_runtime") else "litert"


def _memory_limit(dataset: Dataset | None = None) -> int:
    """Address space for a child: most of this machine's memory, and room for what is mapped and never resident."""
    import psutil

    mapped = 0
    if dataset is not None:
        files = [array.path for split in dataset.splits.values() for array in (*split.inputs, *split.targets)]
        mapped = sum((Path(dataset.root) / path).stat().st_size for path in set(files))
    return int(psutil.virtual_memory().total * MEMORY_SHARE) + ADDRESS_SPACE_BYTES + 2 * mapped


def _score_job(
    metric: MetricSpec, dataset: Dataset, split: Split, scores: Sequence[str], root: Path | None
) -> dict[str, Any]:
    return {
        "do": "score",
        "metric": to_builtins(metric),
        "root": str((root or Path.cwd()).resolve()),
        "dataset": dataset.root,
        "split": split,
        "scores": list(scores),
    }


def _facts(ports: list[dict[str, Any]]) -> tuple[InputFacts, ...]:
    found = msgspec.convert(ports, tuple[Port, ...])
    return tuple(
        InputFacts(
            name=port.signature or port.name,
            shape=port.shape,
            dtype=port.dtype,
            scale=port.scale,
            zero_point=port.zero_point,
        )
        for port in found
    )


def _with_ranges(
    inputs: tuple[InputFacts, ...], outputs: tuple[InputFacts, ...], ask: _Children, prediction: Prediction
) -> tuple[tuple[InputFacts, ...], tuple[InputFacts, ...]]:
    """The real ranges: of the data's inputs where there is one, and of the outputs that came back."""
    assert ask.dataset is not None
    fed = ask.dataset.splits[ask.split].inputs
    if len(fed) == 1 and len(inputs) == 1:
        inputs = (msgspec.structs.replace(inputs[0], low=fed[0].low, high=fed[0].high),)
    if len(outputs) == 1 and prediction.samples:
        (values,) = _arrays(prediction.paths)
        outputs = (msgspec.structs.replace(outputs[0], low=float(values.min()), high=float(values.max())),)
    return inputs, outputs


def _score_metric(metric: MetricSpec, found: Score, ask: _Children, source: str) -> Metric:
    return Metric(
        value=found.value,
        unit="fraction" if metric.is_fraction else "",
        basis=ask.basis() if found.value is not None else None,
        source=source,
        low=found.low,
        high=found.high,
        split=ask.split,
        runtime=ask.kind(),
        reason=found.reason,
    )


def _memory_metric(found: Memory | Failed, ask: _Children) -> Metric:
    if isinstance(found, Failed):
        return Metric(value=None, unit="B", basis=None, source="", reason=f"memory: {found.reason}")
    return Metric(
        value=found.added_bytes,
        unit="B",
        basis=ask.basis(),
        source=f"what the model adds (weights, tensors, packed copies) to a fresh process on this machine: {found.how}",
        runtime=ask.kind(),
        threads=max(1, ask.profile.runtime.threads),
    )


def _arena(micro: Micro) -> Metric:
    if micro.arena_bytes is None:
        return Metric(value=None, unit="B", basis=None, source=micro.runtime, reason="the allocator did not say")
    return Metric(
        value=micro.arena_bytes,
        unit="B",
        basis="simulated",
        source=f"arena of {micro.runtime}, 64-bit build on this machine: an upper bound for a 32-bit board",
        runtime="tflite_micro",
        threads=1,
    )


def _evidence(micro: Micro) -> str:
    return f", with the arithmetic of the board: on {micro.samples} of them tflite_micro {_differs(micro)}"


def _differs(micro: Micro) -> str:
    if micro.largest_steps == 0:
        return "gives the same outputs bit for bit"
    return f"differs by at most {micro.largest_steps:.3g} steps of the output ({100 * micro.equal:.0f}% equal)"


def _micro_check(micro: Micro) -> Check:
    """A rounding or a few may fall otherwise; deciding otherwise for half of the samples is another model."""
    return verdict.agreement_check(
        "micro_agreement",
        micro.largest_steps,
        "steps",
        garbage=micro.same < 0.5 and micro.largest_steps > MICRO_STEPS,
        reason=f"{micro.runtime} {_differs(micro)} from LiteRT over {micro.samples} samples",
    )


def _agreement(
    reference: Sequence[Path], prediction: Prediction, metric: MetricSpec, split: Split
) -> tuple[Metric, Check]:
    wanted, got = _arrays([str(path) for path in reference]), _arrays(prediction.paths)
    found = scores_of.agreement(wanted[metric.output], got[metric.output])
    value = found.same if found.same is not None else found.explained
    what = "same decision" if found.same is not None else "variance explained (R²)"
    apart = f"outputs differ by {found.mean_difference:.3g} on average"
    source = f"{what} as the Keras model on {found.samples} samples; {apart}"
    made = Metric(value=value, unit="fraction", basis="simulated", source=source, split=split)
    check = verdict.agreement_check(
        "agreement", value if value is not None else 0.0, "fraction", garbage=found.is_garbage, reason=source
    )
    return made, check


def _targets(dataset: Dataset, split: Split) -> list[np.ndarray]:
    rows = dataset.rows(split)
    return [array[rows] for array in dataset.targets(split)]


def _arrays(paths: Sequence[str]) -> list[np.ndarray]:
    import numpy as np

    return [np.load(path, mmap_mode="r", allow_pickle=False) for path in paths]
