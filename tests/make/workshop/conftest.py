"""Model files made once a session in a child process, and one warm worker that all tests of the workshop ask."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from edgekit.documents.facts import ModelFacts
from edgekit.jobs.pool import ENVIRONMENT, MODULE
from edgekit.jobs.worker import Done, Failed, Worker
from edgekit.progress import no_progress
from edgekit.project.userfunction import is_function

HERE = Path(__file__).parent
USER = HERE / "user"
JOB: dict[str, Any] = {"root": str(USER), "imports": [], "trust": False, "seed": 0, "sha256": "0" * 64}


@pytest.fixture(scope="session")
def model_files(shared: Callable[..., Path]) -> Path:
    """The folder that `make_models.py` wrote."""
    return shared("models", lambda folder: written("make_models.py", folder))


def written(script: str, folder: Path) -> None:
    """Have a script of this folder write its files, in a process of its own."""
    done = subprocess.run([sys.executable, str(HERE / script), str(folder)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]


@pytest.fixture(scope="session")
def workshop() -> Iterator[Worker]:
    """A warm TensorFlow worker, as the pool starts it."""
    with Worker(MODULE, environment=ENVIRONMENT) as worker:
        yield worker


@pytest.fixture
def tools() -> Any:
    """TensorFlow behind its door, in this process, with nothing left of an earlier test."""
    from edgekit.make.workshop.door import door

    tools = door()
    tools.fresh(0)
    return tools


class Workshop:
    """Asks the worker to load a model and to convert what it loaded."""

    def __init__(self, worker: Worker, files: Path, target: Path) -> None:
        self._worker, self._files, self.target = worker, files, target
        self.inputs: list[str] = []
        self.outputs: list[str] = []

    def load(self, source: str, **changes: Any) -> ModelFacts:
        """The facts of a model file of `make_models.py`, or of a module:function of the folder `user`."""
        function = is_function(source)
        job = {"do": "load", "source": source if function else str(self._files / source), "is_function": function}
        answer = self.ask({**job, **changes})
        assert isinstance(answer, Done), answer
        facts = msgspec.convert(answer.value, ModelFacts)
        self.inputs = [f"in_{index}" for index in range(len(facts.inputs))]
        self.outputs = [f"out_{index}" for index in range(len(facts.outputs))]
        return facts

    def convert(self, technique: str = "float32", **changes: Any) -> Path:
        """The `.tflite` of the model that was loaded last; its signature has the names `in_0`, ..., `out_0`, ..."""
        steps = [{"technique": technique, "settings": {}}]
        job = {
            "do": "convert", "model": str(self.target), "steps": steps, "dataset": None, "samples": 8,
            "inputs": self.inputs, "outputs": self.outputs,
        }  # fmt: skip
        answer = self.ask({**job, **changes})
        assert isinstance(answer, Done), answer
        return self.target / "model.tflite"

    def ask(self, job: dict[str, Any]) -> Done | Failed:
        return self._worker.run({**JOB, "target": str(self.target), **job}, progress=no_progress, time_limit_s=120)


@pytest.fixture
def shop(workshop: Worker, model_files: Path, tmp_path: Path) -> Workshop:
    return Workshop(workshop, model_files, tmp_path)


@pytest.fixture
def recorded(model_files: Path):
    """Inputs and the outputs that the model's own Keras gave for them, by the name of the file."""

    def read(name: str) -> tuple[list[np.ndarray], list[np.ndarray]]:
        with np.load(model_files / f"{name}.npz") as arrays:
            return tuple([arrays[key] for key in sorted(arrays) if key[0] == kind] for kind in "xy")  # type: ignore[return-value]

    return read
