"""The tasks: a network with its data, how long a fine-tune of it is, what is wanted of its file; and its folder, made once."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

TOOLS = Path(__file__).resolve().parents[1]
PROJECTS = TOOLS / "benchmark_projects"
LINUX, MICRO = "rpi4", "nano-33-ble"
"""Any runtime, by LiteRT; tflite-micro."""
DEVICES = (LINUX, MICRO)
THIRD = 1 / 3


@dataclasses.dataclass(frozen=True, kw_only=True)
class Task:
    """A network of `benchmark_projects`.

    `needs` are files or folders of the data folder. `saved` is one of them that is the trained model; else the module trains one. `loss` is named as `hand_recipes` names it.
    `wanted` has the most raw bytes that are wanted on a device, or the most of its int8 file where it is below 1. `validation` is the share of the training split
    that chooses, where the data has no split for that.
    """

    name: str
    title: str
    module: str
    epochs: int
    batch_size: int
    loss: str
    needs: tuple[str, ...] = ()
    saved: str | None = None
    metric: str | None = None
    wanted: Mapping[str, float] = dataclasses.field(default_factory=dict)
    validation: float | None = None

    @property
    def score(self) -> str:
        """The name of the score in a report's figures."""
        return self.metric or "accuracy"

    def missing(self, data: Path) -> str | None:
        """What it needs and is not in the data folder; None where all is there."""
        return next((name for name in self.needs if not (data / name).exists()), None)


TASKS = {
    task.name: task
    for task in (
        Task(
            name="mnist", title="MNIST, the network of TFMOT's guide", module="mnist", needs=("mnist.npz",), epochs=4, batch_size=32, loss="logits",
            wanted={LINUX: 12_000, MICRO: 6_000},
        ),
        Task(
            name="keywords", title="MLPerf Tiny's keyword spotter (DS-CNN): 1,000 samples, 500 for training and choosing, 500 for the test", module="keywords",
            needs=("kws01.npz", "mlperf_tiny/kws_ref_model"), saved="mlperf_tiny/kws_ref_model", epochs=60, batch_size=32, loss="classes", validation=0.5,
        ),
        Task(
            name="resnet8", title="ResNet-8 of MLPerf Tiny, trained from scratch on the CIFAR-10 JPEGs", module="cifar", needs=("cifar10_jpeg.tar.gz",),
            epochs=6, batch_size=64, loss="classes", wanted={LINUX: 60_000, MICRO: 45_000},
        ),
        Task(
            name="autoencoder", title="Dense layers in the shape of MLPerf Tiny's anomaly autoencoder, on data made by the tool", module="autoencoder",
            epochs=20, batch_size=64, loss="mse", metric="autoencoder:auc", wanted={LINUX: THIRD, MICRO: THIRD},
        ),
    )
}  # fmt: skip


@dataclasses.dataclass(frozen=True, kw_only=True)
class Prepared:
    """A task whose folder is made: the network trained, the data written. `epochs` are those of each stage of a fine-tune."""

    task: Task
    folder: Path
    model: str
    epochs: int
    quick: bool

    @property
    def data(self) -> Path:
        """The arrays of all splits."""
        return self.folder / "data.npz"


def prepared(task: Task, data: Path, work: Path, *, quick: bool, epochs: int | None) -> Prepared:
    """The task's folder below `work`; what is there is taken as it is."""
    folder = work / task.name
    shutil.copytree(PROJECTS, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    model = "model.keras" if task.saved is None else str(data / task.saved)
    last = folder / ("data.npz" if task.saved else model)
    if not last.is_file():
        print(f"{task.name}: making the data and the network", file=sys.stderr, flush=True)
        command = [sys.executable, str(TOOLS / "smaller" / "prepare.py"), task.module, *(["--quick"] if quick else [])]
        subprocess.run(command, cwd=folder, check=True, stdout=sys.stderr)
    return Prepared(task=task, folder=folder, model=model, epochs=epochs or (1 if quick else task.epochs), quick=quick)
