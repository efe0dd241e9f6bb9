"""The comparison on the user's data is made where the arrays are the model's, and left to the matching where they are not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgekit.documents.facts import ModelFacts, TensorFacts
from edgekit.ingest.compared import SAMPLES, compare_on_data
from edgekit.ingest.model import OpenedModel
from edgekit.ingest.spool import spool_result
from edgekit.jobs.cache import Cache
from edgekit.jobs.worker import Done
from edgekit.progress import no_progress
from edgekit.project.project_file import DataTable
from edgekit.values import to_builtins


class Asked:
    """A pool that notes what it is asked for, and answers that both agree."""

    def __init__(self) -> None:
        self.jobs: list[dict[str, Any]] = []

    def run(self, job: dict[str, Any], **_: Any) -> Done:
        self.jobs.append(job)
        return Done(value={"error": 0.0, "samples": job["samples"]})


@pytest.fixture
def told(tmp_path):
    """The note on a model in ONNX with inputs of some shapes, for data of others; and the jobs that were asked for."""

    def compared(model: list[tuple[int | None, ...]], data: list[tuple[int, ...]]):
        ends = [TensorFacts(name=f"x{index}", shape=shape, dtype="float32") for index, shape in enumerate(model)]
        facts = ModelFacts(sha256="0", format="ONNX, opset 17", inputs=tuple(ends), outputs=(ends[0],), layers=(), output_kinds=("linear",), imported=("agrees",))  # fmt: skip
        part = tuple(np.zeros((20, *shape), np.float32) for shape in data), np.arange(20.0)
        (folder := tmp_path / "data").mkdir()
        split = {"train": part, "test": part}
        dataset = spool_result(split, folder, names=tuple(f"x{index}" for index in range(len(data))), options=to_builtins(DataTable(source="d")), seed=0, progress=no_progress)  # fmt: skip
        opened = OpenedModel(folder="model", key="0", facts=facts, job={"is_function": False})
        pool = Asked()
        with Cache(tmp_path / "cache") as cache:
            return compare_on_data(opened, dataset, cache, pool, progress=no_progress), pool.jobs  # type: ignore[arg-type]

    return compared


@pytest.mark.parametrize("model", [[(8, 9, 3), (4,)], [(None, None, 3), (4,)]], ids=["fixed", "free"])
def test_arrays_of_the_models_shapes_are_compared(told, model):
    note, jobs = told(model, [(8, 9, 3), (4,)])
    assert [(job["do"], job["samples"]) for job in jobs] == [("compare", SAMPLES)]
    assert note == f"model: it answers as onnxruntime on {SAMPLES} of your training samples, number for number"


@pytest.mark.parametrize(
    ("model", "data"),
    [
        ([(8, 9, 3)], [(3, 8, 9)]),
        ([(8, 9, 3)], [(8, 9)]),
        ([(8, 9, 3)], [(8, 9, 3), (4,)]),
        ([(8, 9, 3), (4,)], [(8, 9, 3)]),
        ([(8, 9, 3), (4,)], [(4,), (8, 9, 3)]),
        ([(None, None, 3)], [(8, 9, 1)]),
    ],
    ids=["another order", "another rank", "one too many", "one too few", "another order of inputs", "channels"],
)
def test_arrays_of_other_shapes_are_left_to_the_matching(told, model, data):
    assert told(model, data) == ("", [])
