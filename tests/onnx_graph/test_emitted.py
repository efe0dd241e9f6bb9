"""The file that a build makes of an imported network: no operator that only moves data, and int8 throughout."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from edgekit.ingest.spool import spool_result
from edgekit.progress import no_progress
from edgekit.project.project_file import DataTable
from edgekit.tflite.reader import read_tflite
from edgekit.values import to_builtins

pytestmark = pytest.mark.tf


def test_a_residual_network_has_no_transpose_in_its_file(residual, imported_alike, tools, tmp_path):
    from edgekit.make.workshop.convert import convert
    from edgekit.make.workshop.flatten import flat_graph, flatten
    from edgekit.make.workshop.store import save_model

    found = imported_alike(*residual)
    made = flatten(tools, flat_graph(tools, found.model, where="test"), where="test")
    folder = tmp_path / "file"
    (folder / "data").mkdir(parents=True)
    save_model(made.model, folder)
    samples = np.random.default_rng(0).standard_normal((8, 16, 16, 3)).astype(np.float32)
    data = {
        f"{part}_{split}": rows
        for split in ("train", "val", "test")
        for part, rows in (("x", samples), ("y", np.arange(8) % 2))
    }
    options = to_builtins(DataTable(source="data"))
    dataset = spool_result(data, folder / "data", names=("in_0",), options=options, seed=0, progress=no_progress)
    job = {
        "imports": [], "root": str(folder), "model": str(folder), "target": str(folder), "seed": 0, "dataset": str(dataset.root), "samples": 8,
        "inputs": ["in_0"], "outputs": ["out_0"], "steps": [{"technique": "int8", "settings": {"io": "int8"}}],
    }  # fmt: skip
    answer = convert(job, no_progress)
    assert all(one["holds"] for one in answer["evidence"]), answer["evidence"]
    listed = Counter(one.name for one in read_tflite(folder / "model.tflite").operators)
    assert listed["TRANSPOSE"] == 0
    assert (listed["CONV_2D"], listed["DEPTHWISE_CONV_2D"], listed["FULLY_CONNECTED"]) == (1, 1, 2)
