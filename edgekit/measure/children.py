"""The child processes of one measurement: their jobs, their limits, and what counts as a failure.

It knows jobs and their answers as values, and never what a figure means for a device.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from edgekit.devices.profile import DeviceProfile
from edgekit.documents.compiled import Compiled
from edgekit.ingest.dataset import Dataset, Split
from edgekit.jobs.limits import BOOTSTRAP_SHARE, LONGEST_S, memory_limit, time_limit_s
from edgekit.jobs.worker import Done, Failed, Worker
from edgekit.machine.host import usable_cores
from edgekit.measure.runtimes.interface import Port
from edgekit.measure.runtimes.latency import Latency
from edgekit.measure.runtimes.memory import Memory
from edgekit.measure.runtimes.micro import Micro
from edgekit.measure.runtimes.predict import Prediction
from edgekit.measure.runtimes.samples import arrays_of
from edgekit.measure.runtimes.vectors import Vectors
from edgekit.measure.static import TITLES
from edgekit.progress import Progress
from edgekit.values import Basis, Value, to_builtins
from edgekit.verdict.metric_spec import MetricSpec
from edgekit.verdict.metrics import Score, score

if TYPE_CHECKING:
    import numpy as np

MODULE = "edgekit.measure.runtimes"
SAMPLE = 32
Answer = TypeVar("Answer")


class Loaded(Value):
    """A model that loads and runs: on which runtime, its inputs and outputs as the interpreter sees them, the seconds of an inference."""

    runtime: str
    seconds: float
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]


class Children:
    """The child processes of one measurement, and what all of them need to know.

    Each job has a time limit: what is left of the caller's, else its own (`edgekit.jobs.limits`). If a runtime refuses the
    file, the result is a `Failed` that would happen again. `expanded` is the file with its coded weights written out: LiteRT
    runs that one, because it cannot decode them.
    """

    def __init__(
        self,
        tflite: Path,
        profile: DeviceProfile,
        dataset: Dataset | None,
        split: Split,
        progress: Progress,
        limit_s: float | None,
        expanded: Path | None = None,
    ) -> None:
        self.profile, self.dataset, self.split = profile, dataset, split
        self._own = str(tflite.resolve())
        self._model = self._own if expanded is None else str(expanded.resolve())
        self._progress = progress
        self._deadline = None if limit_s is None else time.monotonic() + limit_s
        self._worker = Worker(MODULE, memory_bytes=memory_limit(0 if dataset is None else dataset.mapped_bytes))
        self._kind = runs_here(profile.runtime.kind)
        self._inference_s = 0.0
        self._is_alone = False

    def close(self) -> None:
        self._worker.close()

    @property
    def on_device(self) -> bool:
        return is_device(self.profile)

    @property
    def runs_expanded(self) -> bool:
        """Whether LiteRT runs the file with its coded weights written out."""
        return self._model != self._own

    @property
    def threads(self) -> int:
        return max(1, self.profile.runtime.threads)

    def runtime_title(self, described: str) -> str:
        wanted = self.profile.runtime.kind
        return described if wanted == self._kind else f"{described}, in place of {TITLES[wanted]}"

    def load(self) -> Loaded | Failed:
        """The inputs and outputs of the model, as seen by the runtime that evaluates."""
        found = self._ask("load", Loaded)
        if isinstance(found, Loaded):
            self._inference_s = found.seconds
        return found

    def load_on_micro(self) -> Loaded | Failed:
        """The inputs and outputs as seen by the microcontroller's own interpreter, which is tried first."""
        job = {"do": "load", "runtime": "tflite_micro", "model": self._own}
        found = self._run(self._worker, job, Loaded)
        if isinstance(found, Loaded):
            self._inference_s = found.seconds
        return found

    def evaluate_on_micro(self) -> None:
        """Evaluate on the microcontroller's own interpreter from now on, because LiteRT does not open the file."""
        self._kind, self._model, self._is_alone = "tflite_micro", self._own, True

    def micro(self, input_order: Sequence[int | str] | None) -> Micro | Failed:
        job = self._data_job(input_order) | {"limit": SAMPLE} if self.dataset is not None else {}
        return self._ask("micro", Micro, own=self._own, alone=self._is_alone, **job)

    def vectors(self, out: Path, input_order: Sequence[int | str] | None) -> Vectors | Failed:
        job = self._data_job(input_order) | {"limit": SAMPLE, "out": str(out.resolve())}
        return self._ask("vectors", Vectors, own=self._own, **job)

    def memory(self) -> Memory | Failed:
        with Worker(MODULE, memory_bytes=memory_limit()) as fresh:
            return self._run(fresh, self._job("memory", threads=self.threads), Memory)

    def latency(self) -> Latency | Failed:
        return self._ask("latency", Latency, threads=self.threads)

    def predict(
        self, scratch: Path, input_order: Sequence[int | str] | None, output_order: Sequence[int | str] | None
    ) -> Prediction | Failed:
        expected = self._inference_s * self._samples() / usable_cores()
        if self._deadline is None and expected > LONGEST_S:
            return Failed(
                reason=f"an inference takes {self._inference_s:.3g} s here: {self._samples()} samples would take longer "
                f"than the {LONGEST_S / 3600:g} hours that an evaluation may",
                timed_out=True,
            )
        job = self._data_job(input_order) | {"out": str((scratch / f"{self.split}-output").resolve())}
        if output_order is not None:
            job["output_order"] = list(output_order)
        return self._ask("predict", Prediction, **job)

    def compile(self, out: Path) -> Compiled | Failed:
        """What the NPU's compiler makes of the file, written to an existing folder."""
        npu = self.profile.npu
        assert npu is not None and npu.clock is not None
        options = {
            "accelerator": npu.accelerator, "system_config": npu.system_config, "memory_mode": npu.memory_mode,
            "clock_hz": npu.clock.value,
        }  # fmt: skip
        return self._ask("compile", Compiled, out=str(out.resolve()), options=options)

    def score(self, metric: MetricSpec, prediction: Prediction, root: Path | None) -> Score | Failed:
        assert self.dataset is not None
        if ":" not in metric.name:
            return score(metric, targets_of(self.dataset, self.split), arrays_of(prediction.paths))
        job = score_job(metric, self.dataset, self.split, prediction.paths, root, self._limit_s("score"))
        return self._run(self._worker, job, Score)

    def basis(self) -> Basis:
        return "measured" if self.on_device else "simulated"

    def kind(self) -> str:
        return self._kind

    def _samples(self) -> int:
        return 0 if self.dataset is None else self.dataset.splits[self.split].samples

    def _data_job(self, input_order: Sequence[int | str] | None) -> dict[str, Any]:
        assert self.dataset is not None
        order = None if input_order is None else list(input_order)
        return {"dataset": self.dataset.root, "split": self.split, "input_order": order}

    def _job(self, do: str, **more: Any) -> dict[str, Any]:
        return {"do": do, "runtime": self._kind, "model": self._model, **more}

    def _ask(self, do: str, answer: type[Answer], **more: Any) -> Answer | Failed:
        return self._run(self._worker, self._job(do, **more), answer)

    def _run(self, worker: Worker, job: dict[str, Any], kind: type[Answer]) -> Answer | Failed:
        answer = worker.run(job, progress=self._progress, time_limit_s=self._limit_s(job["do"]))
        if isinstance(answer, Done) and isinstance(answer.value, dict) and "refused" in answer.value:
            if job["do"] == "compile":
                return Failed(reason=f"Vela does not compile it: {answer.value['refused']}", repeatable=True)
            where = TITLES["tflite_micro" if job["do"] in ("micro", "vectors") else job["runtime"]]
            return Failed(reason=f"{where} does not run it: {answer.value['refused']}", repeatable=True)
        return answer if isinstance(answer, Failed) else msgspec.convert(answer.value, kind)

    def _limit_s(self, do: str) -> float:
        """Seconds that a job may take; at least one, so that the message can name the limit."""
        if self._deadline is not None:
            return max(1.0, round(self._deadline - time.monotonic(), 3))
        samples = self._samples() if do in ("predict", "score") else 0
        return round(time_limit_s(do, samples=samples, inference_s=self._inference_s))


def is_device(profile: DeviceProfile) -> bool:
    """Whether this machine is the device itself, with its own runtime."""
    return profile.is_this_machine and runs_here(profile.runtime.kind) == profile.runtime.kind


def runs_here(kind: str) -> str:
    """The runtime that evaluates here: tflite-runtime if it is installed, else its successor LiteRT."""
    from edgekit.machine.extras import is_installed

    return "tflite_runtime" if kind == "tflite_runtime" and is_installed("tflite_runtime") else "litert"


def score_job(
    metric: MetricSpec, dataset: Dataset, split: Split, scores: Sequence[str], root: Path | None, limit_s: float
) -> dict[str, Any]:
    """The job that computes a user's metric; its resampling ends early enough for the answer to come in time."""
    return {
        "do": "score",
        "metric": to_builtins(metric),
        "root": str((root or Path.cwd()).resolve()),
        "dataset": dataset.root,
        "split": split,
        "scores": list(scores),
        "bootstrap_s": BOOTSTRAP_SHARE * limit_s,
    }


def targets_of(dataset: Dataset, split: Split) -> list[np.ndarray]:
    rows = dataset.rows(split)
    return [array[rows] for array in dataset.targets(split)]
