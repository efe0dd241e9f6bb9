"""Keras behind its door, and the stages and the file that the real jobs make of a model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.ingest.spool import spool_result
from edgekit.progress import no_progress
from edgekit.project.project_file import DataTable
from edgekit.tflite.reader import read_tflite
from edgekit.values import to_builtins

SAMPLES = 32


@pytest.fixture
def facts_of(tools: Any) -> Callable[[Any], Any]:
    """The facts of a Keras 3 model, as a build takes them."""
    from edgekit.make.workshop.model_facts import take_facts

    return lambda model: take_facts(tools, model, sha256="0" * 64, kind="keras", losses=(), error=None)


@pytest.fixture
def jobs(tools: Any, tmp_path: Path) -> Callable[..., Any]:
    """Trains a model with one input and one output to give out its input, or numbers of the output's shape, and converts it.

    Returns the file, the evidence of all stages and of the file, and the last trained model.
    """
    from edgekit.make.workshop.convert import convert
    from edgekit.make.workshop.store import open_model, save_model, steps_of
    from edgekit.make.workshop.train import train

    def made(model: Any, *steps: dict[str, Any]) -> tuple[Any, list[dict[str, Any]], Any]:
        base = tmp_path / f"model_{len(list(tmp_path.iterdir()))}"
        generator = np.random.default_rng(0)
        x = generator.normal(size=(SAMPLES, *model.input_shape[1:])).astype("float32")
        y = generator.normal(size=(SAMPLES, *model.output_shape[1:])).astype("float32")
        arrays = {f"{name}_{split}": one for split in ("train", "val", "test") for name, one in (("x", x), ("y", y))}
        (base / "data").mkdir(parents=True)
        options = to_builtins(DataTable(source="data"))
        dataset = spool_result(arrays, base / "data", names=("given",), options=options, seed=0, progress=no_progress)
        save_model(model, base)
        training = {"epochs": 1, "batch_size": 16, "learning_rate": 1e-3, "distillation": 0.0, "temperature": 4.0}
        common = {
            "imports": [], "root": str(base), "seed": 0, "dataset": str(dataset.root), "training": training, "losses": ["mse"],
            "samples": 16, "inputs": ["given"], "outputs": ["made"], "keep_names": True,
        }  # fmt: skip
        folder, evidence = base, []
        for count in range(1, len(steps)):
            job = {**common, "model": str(folder), "steps": steps[:count], "target": str(base / str(count))}
            (base / str(count)).mkdir()
            evidence += train(job, no_progress)["evidence"]
            folder = base / str(count)
        job = {**common, "model": str(folder), "steps": steps, "target": str(folder)}
        evidence += convert(job, no_progress)["evidence"]
        trained = open_model(tools, folder, steps_of(job)[:-1], job)
        return read_tflite(folder / "model.tflite"), evidence, trained

    return made
