"""The children that the table's rows share, and the materials of one row: as a build has them, in a cache of the row's own."""

from __future__ import annotations

import contextlib
import dataclasses
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from coverage_table import builder
from coverage_table.families.custom import USER
from coverage_table.rows import Row
from edgekit.devices.profile import load_profile
from edgekit.documents.facts import ModelFacts
from edgekit.ingest.dataset import Dataset, mapped
from edgekit.ingest.materials import Materials
from edgekit.ingest.model import OpenedModel
from edgekit.ingest.objects import keep_data
from edgekit.ingest.opening import Sizes, open_project_model
from edgekit.ingest.wanted import wanted_of
from edgekit.jobs.cache import Cache
from edgekit.jobs.pool import ENVIRONMENT, Pool
from edgekit.jobs.worker import Failed, TrialFailed, Worker
from edgekit.measure.children import MODULE as RUNTIMES
from edgekit.planner.task import task_for
from edgekit.progress import no_progress
from edgekit.project.project import Project, resolve
from edgekit.project.project_file import ProjectFile
from edgekit.techniques.interface import Task
from edgekit.values import read, to_builtins

DEVICE = "rpi4"
"""It takes every conversion."""
LOSS = "mean_squared_error"
TRAINING = {"epochs": 1, "batch_size": 4, "learning_rate": 1e-5, "distillation": 0.0, "loss": LOSS}
LIMIT_S = 900.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Made:
    """A row's model as its user has it: the folder with the file, data and what the model answers."""

    folder: Path
    settings: Project
    inputs: Any
    outputs: Any


class Bench:
    """The warm children: one makes models, one has the workshop's jobs, one runs files. As a context, it ends them.

    Without `makes_models` there is none for the first: the models are files.
    """

    def __init__(self, *, makes_models: bool = True) -> None:
        self._stack, self._makes_models = contextlib.ExitStack(), makes_models

    def __enter__(self) -> Bench:
        self._root = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="coverage-")))
        environment = {**ENVIRONMENT, "TMPDIR": str(self._root)}
        if self._makes_models:
            self._builder = self._stack.enter_context(Worker("coverage_table.builder", environment=environment))
        self.pool = self._stack.enter_context(Pool(1, temporary=self._root))
        self._runtimes = self._stack.enter_context(Worker(RUNTIMES))
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    def renew(self) -> None:
        """End the children and begin with new ones."""
        self._stack.close()
        self.__enter__()

    @contextlib.contextmanager
    def scratch(self) -> Iterator[tuple[Path, Cache]]:
        """A folder of a row's own, and a cache that goes with it."""
        with tempfile.TemporaryDirectory(dir=self._root) as name, Cache(Path(name) / "cache") as cache:
            yield Path(name), cache

    @contextlib.contextmanager
    def made(self, row: Row) -> Iterator[tuple[Made, Cache]]:
        """The row's model, and a cache that goes with it; raises `TrialFailed` where Keras itself cannot make or save it."""
        with self.scratch() as (folder, cache):
            answer = self._builder.run({"do": "save", "row": row.path, "target": str(folder)}, time_limit_s=LIMIT_S)
            if isinstance(answer, Failed):
                raise TrialFailed(f"Keras does not make or save it: {answer.reason}")
            settings = settings_of(folder / answer.value["file"], row.imports)
            inputs, outputs = (builder.arrays_in(folder / file) for file in (builder.INPUTS, builder.OUTPUTS))
            yield Made(folder=folder, settings=settings, inputs=inputs, outputs=outputs), cache

    def opened(self, made: Made, cache: Cache, sizes: Sizes = None) -> OpenedModel:
        """The model, loaded and normalised by the workshop; raises `ModelError`."""
        return open_project_model(None, made.settings, cache, self.pool, trust=False, progress=no_progress, sizes=sizes)

    def unreadable(self, row: Row, made: Made) -> str:
        """Why Keras itself does not read the row's file again; empty where it does."""
        answer = self._builder.run({"do": "read", "row": row.path, "target": str(made.folder)}, time_limit_s=LIMIT_S)
        return answer.reason if isinstance(answer, Failed) else str(answer.value["why"])

    def materials(self, made: Made, cache: Cache, opened: OpenedModel) -> Materials:
        """What a build's trials work on: the same samples in every split, and the model's own answers as targets."""
        part = (made.inputs, made.outputs)
        dataset = keep_data(
            {"train": part, "val": part, "test": part}, None, wanted=wanted_of(opened.facts), seed=0, cache=cache,
            progress=no_progress,
        )  # fmt: skip
        losses = (LOSS,) * len(opened.facts.outputs)
        return Materials(
            project=made.settings, model=opened, dataset=dataset, losses=losses, cache=cache, pool=self.pool
        )

    def run(self, tflite: Path, dataset: Dataset) -> list[np.ndarray]:
        """The file's answers on LiteRT; raises `TrialFailed` where it refuses the file or crashes."""
        with tempfile.TemporaryDirectory(dir=self._root) as out:
            job = {
                "do": "predict", "runtime": "litert", "model": str(tflite), "dataset": dataset.root, "split": "test",
                "input_order": None, "out": f"{out}/output", "cores": 1,
            }  # fmt: skip
            answer = self._runtimes.run(job, time_limit_s=LIMIT_S)
            if isinstance(answer, Failed):
                raise TrialFailed(f"run: {answer.reason}")
            if "refused" in answer.value:
                raise TrialFailed(f"run: LiteRT does not run it: {answer.value['refused']}")
            return [np.array(mapped(Path(path))) for path in answer.value["paths"]]

    def keras_answers(self, model: Path, steps: Sequence[Any], materials: Materials) -> list[np.ndarray]:
        """What a model between steps answers: with fake quantization, where that was its last step."""
        project = materials.project
        with tempfile.TemporaryDirectory(dir=self._root) as out:
            job = {
                "do": "predict", "model": str(model), "steps": to_builtins(list(steps)), "dataset": materials.dataset.root,
                "split": "test", "target": out, "root": project.root, "imports": project.imports, "seed": project.seed,
            }  # fmt: skip
            answer = self.pool.run(job, progress=no_progress, time_limit_s=LIMIT_S)
            if isinstance(answer, Failed):
                raise TrialFailed(f"predict: {answer.reason}")
            return [np.load(Path(out) / f"output_{index}.npy") for index in range(answer.value["outputs"])]


def task_of(made: Made, facts: ModelFacts) -> Task:
    """The planner's task: a small download is wanted, so that every technique has a reason."""
    return task_for(load_profile(DEVICE), facts, made.settings)


def in_order(outputs: Any, facts: ModelFacts) -> list[np.ndarray]:
    """The model's own answers in the order of its facts."""
    if isinstance(outputs, dict):
        return [outputs[tensor.name] for tensor in facts.outputs]
    return list(outputs) if isinstance(outputs, tuple) else [outputs]


def settings_of(model: Path, imports: Sequence[str] = (), held: Mapping[str, Any] = MappingProxyType({})) -> Project:
    """The project of a row's model; `held` are the values that some of its inputs are held at."""
    raw = {
        "model": {"source": str(model), "import": list(imports), "held": dict(held)}, "goal": {"aim": "download", "max_drop": 100.0},
        "training": TRAINING, "calibration": {"samples": builder.SAMPLES},
    }  # fmt: skip
    return resolve(read(raw, ProjectFile, where="the row"), root=USER, where="the row")
