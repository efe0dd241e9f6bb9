"""Our own fake quantization beside TFMOT's: accuracy, seconds, the file, and whether it computes what was trained: a table of docs/benchmarks.md.

    python tools/benchmark_engines.py --data FOLDER --work FOLDER [--only resnet8] [--seed 0 --seed 1 --seed 2]

FOLDER holds `mnist.npz` and `cifar10_jpeg.tar.gz`; a network whose data is missing is left out. A float network is trained once, and what
was made of it in the work folder is not made again. Both engines then train from the same weights, with the same rate, length and order of the data,
by edgekit's own jobs. Seconds depend on what else the machine does; a step's ratio to the float step much less, for the steps are taken in turn.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.documents.facts import port_names
from edgekit.findings.settling import settled
from edgekit.ingest.dataset import Dataset
from edgekit.ingest.match import choose_losses
from edgekit.ingest.model import OpenedModel
from edgekit.ingest.opening import open_project_data, open_project_model
from edgekit.jobs.cache import Cache
from edgekit.jobs.pool import Pool
from edgekit.jobs.worker import Done
from edgekit.machine.host import usable_cores
from edgekit.measure.runtimes.litert import LiteRt
from edgekit.measure.runtimes.predict import predict
from edgekit.measure.runtimes.samples import Samples
from edgekit.progress import no_progress
from edgekit.project.request import settle
from edgekit.techniques import technique
from edgekit.tflite.reader import read_tflite
from edgekit.values import to_builtins
from edgekit.verdict.metric_spec import MetricSpec
from edgekit.verdict.metrics import score

PROJECTS = Path(__file__).resolve().parent / "benchmark_projects"
ENGINES = ("tfmot", "edgekit")
WAYS = ("float32", "int8", *ENGINES)
"""Two files without training with rounding, for scale; then the engines."""
TITLES = {
    "float32": "float32, not trained further",
    "int8": "int8 after training",
    "tfmot": "TFMOT",
    "edgekit": "edgekit",
}
INT8 = {"technique": "int8", "settings": {"io": "int8"}}
STEPS, TURNS, WARM = 4, 30, 3
"""Steps of each model in a turn, the turns, and the steps before the first, which are not counted."""
STEP_SAMPLES = 32
COMPARED = 1000
"""Test samples whose outputs are compared with those of the model that was trained."""
# One float32 rounding of a scale must not make a step of it two.
ONE_STEP = 1 + 1e-3


@dataclasses.dataclass(frozen=True, kw_only=True)
class Network:
    """A project of `benchmark_projects`, and the file that its data is made from."""

    title: str
    module: str
    needs: str


NETWORKS = {
    "mnist": Network(title="MNIST", module="mnist", needs="mnist.npz"),
    "resnet8": Network(title="ResNet-8, CIFAR-10", module="cifar", needs="cifar10_jpeg.tar.gz"),
    "mobilenet": Network(title="MobileNetV2 x 0.35, CIFAR-10", module="cifar_mobilenet", needs="cifar10_jpeg.tar.gz"),
}


class BuiltIn(LiteRt):
    """LiteRt with its built-in kernels and no delegate."""

    def _interpreter_class(self) -> Any:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        kernels = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        return lambda **settings: Interpreter(experimental_op_resolver_type=kernels, **settings)


RUNTIMES = {"built_in": BuiltIn, "xnnpack": LiteRt}


def main() -> None:
    """Train what is not there yet, compare, print a table; everything else goes to stderr."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder of mnist.npz and cifar10_jpeg.tar.gz")
    parser.add_argument("--work", type=Path, required=True, help="where networks, stages and files are kept")
    parser.add_argument("--only", choices=NETWORKS, action="append")
    parser.add_argument("--seed", type=int, action="append", help="of the trainings; default: 0, 1 and 2")
    parser.add_argument("--images", type=int, default=10_000, help="of CIFAR-10, for training and validation")
    parser.add_argument("--epochs", type=int, default=2, help="of each training with rounding")
    parser.add_argument("--learning-rate", type=float, default=3e-4, help="at its start")
    options = parser.parse_args()
    os.environ["EDGEKIT_BENCHMARK_DATA"] = str(options.data.resolve())
    os.environ["EDGEKIT_BENCHMARK_IMAGES"] = str(options.images)
    os.environ["EDGEKIT_CACHE"] = str(options.work.resolve() / "cache")
    rows: list[str] = []
    for name in options.only or NETWORKS:
        network = NETWORKS[name]
        if not (options.data / network.needs).is_file():
            rows.append(f"| {network.title} | not run: {network.needs} was not there |" + " |" * (len(COLUMNS) - 2))
            continue
        project = prepared(network, options.work.resolve() / name)
        training = {"epochs": options.epochs, "learning_rate": options.learning_rate}
        rows += rows_of(network.title, compared(project, options.seed or [0, 1, 2], training))
    print(table(rows))


def prepared(network: Network, project: Path) -> Path:
    """A folder that builds, with its network trained; a trained network that is there is taken as it is."""
    shutil.copytree(PROJECTS, project, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    if not (project / "model.keras").is_file():
        _say(f"{project.name}: training the network")
        code = f"import {network.module}; {network.module}.trained_model().save('model.keras')"
        subprocess.run([sys.executable, "-c", code], cwd=project, check=True, stdout=sys.stderr)
    text = f'model = "model.keras"\ndata = "{network.module}:arrays"\n[training]\nbatch_size = 64\n'
    (project / "edgekit.toml").write_text(text, encoding="utf-8")
    return project


def compared(project: Path, seeds: Sequence[int], training: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The figures of each way's files, one a seed; those of the engines also hold the ratio of their step to the float step."""
    with Cache() as cache, cache.scratch() as temporary, Pool(1, temporary=temporary) as pool:
        side = Side.opened(project, training, cache, pool)
        found = {way: [side.file(way, seed) for seed in seeds] for way in WAYS}
        ratios = side.kept("steps.json", side.ratios)
    return {way: [{**one, "ratio": ratios.get(way)} for one in files] for way, files in found.items()}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Side:
    """A network opened by edgekit, with its data and what makes files of it."""

    folder: Path
    model: OpenedModel
    dataset: Dataset
    training: dict[str, Any]
    losses: tuple[str, ...]
    pool: Pool

    @classmethod
    def opened(cls, project: Path, training: dict[str, Any], cache: Cache, pool: Pool) -> Side:
        """Open the project's model and data; `training` changes what the project says of it."""
        settings = settle(None, None, project)
        model = open_project_model(None, settings, cache, pool, trust=False, progress=no_progress)
        dataset = open_project_data(None, settings, model, cache, trust=False, progress=no_progress)
        tasks = settled(settings, model.facts, dataset, cache).tasks
        losses = choose_losses(settings.training.loss, model.facts, dataset, tasks)
        table = {key: value for key, value in to_builtins(settings.training).items() if key != "exclude"}
        return cls(
            folder=project, model=model, dataset=dataset, training=table | training, losses=losses, pool=pool
        )  # fmt: skip

    def kept(self, name: str, make: Any) -> Any:
        """What is in a file of the project's folder; made and written where it is not there."""
        path = self.folder / name
        if not path.is_file():
            path.write_text(json.dumps(make(), indent=1), encoding="utf-8")
        return json.loads(path.read_text(encoding="utf-8"))

    def file(self, way: str, seed: int) -> dict[str, Any]:
        """The figures of a way's file."""
        return dict(self.kept(f"{way}-{seed}.json", lambda: self._made(way, seed)))

    def _made(self, way: str, seed: int) -> dict[str, Any]:
        steps = [{"technique": "float32"}] if way == "float32" else [INT8]
        folder, seconds, note = Path(self.model.folder), None, ""
        if way in ENGINES:
            steps = [_rounding(way), *steps]
            folder, answer = self.job(
                f"{way}-{seed}-model", seed, do="train", model=str(folder), steps=steps[:1], **self.data()
            )
            seconds, note = answer["seconds"], answer["training"]
        path, _ = self.job(
            f"{way}-{seed}-file", seed, do="convert", model=str(folder), steps=steps, dataset=self.dataset.root, samples=200,
            inputs=port_names(self.model.facts.inputs), outputs=port_names(self.model.facts.outputs),
        )  # fmt: skip
        outputs = {name: self._outputs(kind(), path / "model.tflite") for name, kind in RUNTIMES.items()}
        tflite = read_tflite(path / "model.tflite")
        found = {
            "accuracy": self._accuracy(outputs["xnnpack"]), "bytes": tflite.size_bytes, "operators": len(tflite.operators), "seconds": seconds,
        }  # fmt: skip
        if way in ENGINES:
            answers, scale = self._answers(folder, way), tflite.output_tensors[0].scales[0]
            found["agreement"] = {name: agreement(one[:COMPARED], answers, scale) for name, one in outputs.items()}
        _say(f"{self.folder.name}, {way}, seed {seed}: {found}; {note}")
        return found

    def data(self) -> dict[str, Any]:
        """What the job `train` takes of the data: also the float model's outputs, which its loss holds a share of."""
        teacher = {split: [str(self._teacher(split) / "output_0.npy")] for split in ("train", "validation")}
        return {
            "dataset": self.dataset.root, "training": self.training, "losses": self.losses, "teacher": teacher, "float_model": self.model.folder,
        }  # fmt: skip

    def _teacher(self, split: str) -> Path:
        folder = self.folder / f"teacher-{split}"
        return folder if folder.is_dir() else self.job(
            folder.name, 0, do="predict", model=self.model.folder, dataset=self.dataset.root, split=split
        )[0]  # fmt: skip

    def job(self, name: str, seed: int, **job: Any) -> tuple[Path, Any]:
        """The folder of a job and its answer; ends the tool where the job fails."""
        target = self.folder / name
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        job |= {"root": str(self.folder), "imports": [], "seed": seed, "target": str(target)}
        answer = self.pool.run(job, progress=no_progress)
        if not isinstance(answer, Done):
            raise SystemExit(f"{self.folder.name}, {name}: {answer.reason}")
        unproven = [one for one in answer.value.get("evidence", ()) if not one["holds"]]
        if unproven:
            _say(f"{self.folder.name}, {name}: not shown: {unproven}")
        return target, answer.value

    def _outputs(self, runtime: LiteRt, tflite: Path) -> np.ndarray:
        """What a file gives for the test samples, in real numbers."""
        session: Any = runtime.open(tflite)
        samples = Samples(self.dataset.inputs("test"), self.dataset.rows("test"), session.inputs)
        out = tflite.with_name("outputs")
        found: Any = predict(runtime, tflite, samples, out, cores=usable_cores(), progress=no_progress)
        return np.load(found.paths[0])

    def _accuracy(self, outputs: np.ndarray) -> float:
        rows = self.dataset.rows("test")
        value = score(MetricSpec(), [array[rows] for array in self.dataset.targets("test")], [outputs]).value
        assert value is not None
        return value

    def _answers(self, folder: Path, engine: str) -> np.ndarray:
        """What the model with its rounding simulated gives for the first test samples."""
        from edgekit.make.workshop.answers import answers
        from edgekit.make.workshop.door import door
        from edgekit.make.workshop.store import open_model, steps_of

        job = {"imports": [], "root": str(self.folder), "steps": [_rounding(engine)]}
        model = open_model(door(), folder, steps_of(job), job)
        rows = self.dataset.rows("test")[:COMPARED]
        batch = [array[rows].astype(np.float32) for array in self.dataset.inputs("test")]
        return np.asarray(answers(model, batch)[0])

    def ratios(self) -> dict[str, float]:
        """The time of each engine's training step over that of the float step: the median of turns, in which each takes some steps."""
        steps = {way: self._step(way) for way in ("float", *ENGINES)}
        for take in steps.values():
            _seconds(take, WARM)
        turns = [{way: _seconds(take, STEPS) for way, take in steps.items()} for _ in range(TURNS)]
        _say(
            f"{self.folder.name}: a float step takes {statistics.median(turn['float'] for turn in turns) / STEPS:.4f} s"
        )
        return {way: statistics.median(turn[way] / turn["float"] for turn in turns) for way in ENGINES}

    def _step(self, way: str) -> Any:
        """A function that takes a training step as edgekit does, always on the same samples."""
        from edgekit.make.workshop.door import door
        from edgekit.make.workshop.form import in_form
        from edgekit.make.workshop.loss import make_loss
        from edgekit.make.workshop.store import open_model, steps_of
        from edgekit.make.workshop.train_step import TrainStep

        tools, job = door(), {"imports": [], "root": str(self.folder)}
        model = open_model(tools, Path(self.model.folder), (), job)
        if way in ENGINES:
            (step,) = steps_of({"steps": [_rounding(way)]})
            kept, taken = _Kept(), in_form(tools, model, step, where=way)
            technique("quantization_aware").apply(tools, taken, step.settings, kept, ())
            model = kept.model
        trainer = TrainStep(tools, model, [make_loss(tools, loss) for loss in self.losses])
        rows = self.dataset.rows("train")[:STEP_SAMPLES]
        inputs, targets = (
            [array[rows] for array in part("train")] for part in (self.dataset.inputs, self.dataset.targets)
        )
        return lambda: trainer.step([array.astype(np.float32) for array in inputs], targets, 1e-5)


class _Kept:
    """Takes the place of a training: it keeps the model that would be trained."""

    model: Any = None

    def fit(self, model: Any, constraint: Any = None) -> None:
        self.model = model


def _rounding(engine: str) -> dict[str, Any]:
    return {"technique": "quantization_aware", "settings": {"engine": engine}}


def _seconds(take: Any, steps: int) -> float:
    began = time.perf_counter()
    for _ in range(steps):
        take()
    return time.perf_counter() - began


def agreement(outputs: np.ndarray, answers: np.ndarray, scale: float) -> float:
    """The share of a file's outputs that are within one quantization step of the model's."""
    return float((np.abs(outputs - answers) <= scale * ONE_STEP).mean())


COLUMNS = (
    "network", "rounding", "accuracy on test", "by seed", "step / float step", "seconds of training", "file, B", "operators",
    "agreement, built-in", "agreement, XNNPACK",
)  # fmt: skip


def rows_of(title: str, found: dict[str, list[dict[str, Any]]]) -> list[str]:
    """The table's rows of a network."""
    return [f"| {title} | {TITLES[way]} | {' | '.join(_cells(files))} |" for way, files in found.items()]


def _cells(files: list[dict[str, Any]]) -> list[str]:
    """The figures of one way: the mean over the seeds, and for accuracy each of them."""

    def mean(values: list[Any], form: str) -> str:
        return "" if None in values else format(statistics.fmean(values), form)

    accuracies = [one["accuracy"] for one in files]
    spread = f" ± {100 * statistics.stdev(accuracies):.2f}" if len(accuracies) > 1 else ""
    agreements = [[one.get("agreement", {}).get(name) for one in files] for name in RUNTIMES]
    return [
        f"{100 * statistics.fmean(accuracies):.2f}%{spread}", ", ".join(f"{100 * one:.2f}" for one in accuracies),
        mean([one["ratio"] for one in files], ".2f"), mean([one["seconds"] for one in files], ".0f"),
        mean([one["bytes"] for one in files], ",.0f"), mean([one["operators"] for one in files], ".0f"),
        *(mean(values, ".2%") for values in agreements),
    ]  # fmt: skip


def table(rows: Sequence[str]) -> str:
    """The table in Markdown."""
    return "\n".join([f"| {' | '.join(COLUMNS)} |", "|---" * 2 + "|---:" * (len(COLUMNS) - 2) + "|", *rows])


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
