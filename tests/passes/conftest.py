"""A Keras 3 model through the passes, and the int8 file that edgekit's own conversion makes of a graph."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.ingest.spool import spool_result
from edgekit.keras_graph.flat_graph import FlatGraph, model_of, run_graph
from edgekit.passes import passes
from edgekit.passes.run import Outcome, run_passes
from edgekit.progress import no_progress
from edgekit.project.project_file import DataTable
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.reader import read_tflite
from edgekit.values import to_builtins

SAMPLES = 16


@pytest.fixture
def graph_of(tools: Any) -> Callable[[Any], FlatGraph]:
    """The flat graph of a model before any pass; biases, means and variances are no longer what they are in a new layer."""
    from edgekit.make.workshop.flatten import flat_graph

    def made(model: Any) -> FlatGraph:
        generator = np.random.default_rng(0)
        for weight in model.weights:
            if len(weight.shape) == 1 and "float" in str(weight.dtype):
                weight.assign(generator.uniform(0.5, 1.5, weight.shape))
        return flat_graph(tools, model, where="test")

    return made


@pytest.fixture
def rewritten(tools: Any, graph_of: Callable[[Any], FlatGraph]) -> Callable[..., Outcome]:
    """The outcome of one pass, or of all, for a model; what was applied is compared with the original's answers."""

    def made(model: Any, name: str | None = None) -> Outcome:
        graph = graph_of(model)
        outcome = run_passes(tools, graph, [one for one in passes() if name in (None, one.name)])
        assert not any("not applied" in told for told in outcome.told), outcome.told
        return outcome

    return made


@pytest.fixture
def alike(tools: Any) -> Callable[..., None]:
    """Holds a graph against a model on other samples than the passes compare it on."""

    def check(model: Any, graph: FlatGraph, *arrays: Any, tolerance: float = 2e-5) -> None:
        from edgekit.make.workshop.answers import answers

        given = arrays or [
            np.random.default_rng(7).uniform(-2, 2, (3, *value.shape)).astype(value.dtype) for value in graph.inputs
        ]
        for ours, theirs in zip(run_graph(graph, given), answers(model, list(given)), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)
        made = model_of(tools, graph)
        for ours, theirs in zip(answers(made, list(given)), answers(model, list(given)), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)

    return check


@pytest.fixture
def int8(tools: Any, tmp_path: Path) -> Callable[..., TfliteModel]:
    """The int8 file of a graph, stored, read again and converted as in a build, with loops unrolled where that is asked for."""

    def made(graph: FlatGraph, *arrays: Any, technique: str = "int8", unrolled: bool = False) -> TfliteModel:
        from edgekit.make.workshop.convert import convert
        from edgekit.make.workshop.store import save_model

        folder = tmp_path / f"file_{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        save_model(model_of(tools, graph), folder)
        generator = np.random.default_rng(1)
        given = arrays or [
            generator.uniform(-1, 1, (SAMPLES, *value.shape)).astype(value.dtype) for value in graph.inputs
        ]
        names = [f"in_{index}" for index in range(len(given))]
        samples = dict(zip(names, given, strict=True)) if len(given) > 1 else given[0]
        labels = np.arange(SAMPLES) % 2
        data = {f"x_{split}": samples for split in ("train", "val", "test")} if len(given) == 1 else {}
        for split in ("train", "val", "test"):
            data |= {f"x_{split}_{name}": array for name, array in samples.items()} if len(given) > 1 else {}
            data[f"y_{split}"] = labels
        (folder / "data").mkdir()
        options = to_builtins(DataTable(source="data"))
        dataset = spool_result(data, folder / "data", names=tuple(names), options=options, seed=0, progress=no_progress)
        job = {
            "imports": [], "root": str(folder), "model": str(folder), "target": str(folder), "seed": 0, "dataset": str(dataset.root),
            "samples": SAMPLES, "inputs": names, "outputs": [f"out_{index}" for index in range(len(graph.outputs))],
            "steps": [{"technique": technique, "settings": {"io": "int8"} if technique == "int8" else {}}], "unrolled": unrolled,
        }  # fmt: skip
        answer = convert(job, no_progress)
        assert all(found["holds"] for found in answer["evidence"]), answer["evidence"]
        return read_tflite(folder / "model.tflite")

    return made
