"""The child processes of one measurement: what is asked of them, within which limits, and what counts as a failure.

It knows jobs and their answers as values, and never what a figure means for a device.
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
from edgekit.jobs import Done, Failed, Worker
from edgekit.metric_spec import MetricSpec
from edgekit.metrics import Score
from edgekit.profile import DeviceProfile
from edgekit.report import Basis, Metric
from edgekit.runtimes.latency import Latency
from edgekit.runtimes.memory import Memory
from edgekit.runtimes.micro import Micro
from edgekit.runtimes.predict import Prediction
from edgekit.runtimes.static import TITLES, Static, predicted_latency
from edgekit.values import to_builtins

if TYPE_CHECKING:
    import numpy as np

MODULE = "edgekit.runtimes"
SAMPLE = 32
MEMORY_SHARE = 0.75
ADDRESS_SPACE_BYTES = 4 << 30


class Stopped(Exception):
    """A job gave no result: the measurement ends here, as a value."""

    def __init__(self, failed: Failed) -> None:
        self.failed = failed
        super().__init__(failed.reason)


class Children:
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
        self._worker = Worker(MODULE, memory_bytes=memory_limit(dataset))
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
        with Worker(MODULE, memory_bytes=memory_limit()) as fresh:
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
            return scores_of.score(metric, targets_of(self.dataset, self.split), arrays_of(prediction.paths))
        job = score_job(metric, self.dataset, self.split, prediction.paths, root)
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
            raise Stopped(answer)
        return answer.value

    def _left(self) -> float | None:
        """Seconds that are left of the time limit, at least one, so that the message can name the limit."""
        return None if self._deadline is None else max(1.0, self._deadline - time.monotonic())


def _runs_here(kind: str) -> str:
    """The runtime that evaluates here: tflite-runtime where it is installed, else its successor LiteRT."""
    from edgekit.extras import is_installed

    return "tflite_runtime" if kind == "tflite_runtime" and is_installed("tflite_runtime") else "litert"


def memory_limit(dataset: Dataset | None = None) -> int:
    """Address space for a child: most of this machine's memory, and room for what is mapped and never resident."""
    import psutil

    mapped = 0
    if dataset is not None:
        files = [array.path for split in dataset.splits.values() for array in (*split.inputs, *split.targets)]
        mapped = sum((Path(dataset.root) / path).stat().st_size for path in set(files))
    return int(psutil.virtual_memory().total * MEMORY_SHARE) + ADDRESS_SPACE_BYTES + 2 * mapped


def score_job(
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


def targets_of(dataset: Dataset, split: Split) -> list[np.ndarray]:
    rows = dataset.rows(split)
    return [array[rows] for array in dataset.targets(split)]


def arrays_of(paths: Sequence[str]) -> list[np.ndarray]:
    import numpy as np

    return [np.load(path, mmap_mode="r", allow_pickle=False) for path in paths]
