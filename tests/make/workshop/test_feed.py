"""Calibration gives each input its own values, whatever order the converter sorts them in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.ingest.spool import spool_result
from edgekit.progress import no_progress
from edgekit.project.project_file import DataTable
from edgekit.tflite.reader import read_tflite
from edgekit.values import to_builtins

pytestmark = pytest.mark.tf
SAMPLES = 16


@pytest.mark.parametrize("names", [("zeta", "alpha"), ("alpha", "zeta")])
def test_each_input_is_calibrated_with_its_own_values(tmp_path: Path, names: tuple[str, str]) -> None:
    """Two inputs of one shape, of which the first has values a hundred times as large; the converter changes their order in one of both cases."""
    from edgekit.make.workshop.convert import convert
    from edgekit.make.workshop.door import door
    from edgekit.make.workshop.normalise import normalise

    tools = door()
    tools.fresh(0)
    layers = tools.keras3.layers
    entries = [layers.Input((4,), name=name) for name in names]
    outputs = [layers.Dense(4, name=f"of_{entry.name}")(entry) for entry in entries]
    model = tools.keras3.Model(entries, outputs)
    job: dict[str, Any] = {"source": "test", "imports": [], "root": str(tmp_path), "model": str(tmp_path), "seed": 0}
    normalise(tools, model, tmp_path, job)
    draw = np.random.default_rng(0)
    one, other = (draw.uniform(-size, size, (SAMPLES, 4)).astype("float32") for size in (100.0, 1.0))
    y = np.zeros((SAMPLES, 4), "float32")
    samples = dict(zip(names, (one, other), strict=True)), {f"of_{name}": y for name in names}
    (tmp_path / "data").mkdir()
    options = to_builtins(DataTable(source="data"))
    spooled = spool_result(
        dict.fromkeys(("train", "validation", "test"), samples), tmp_path / "data", names=names, output_names=tuple(f"of_{name}" for name in names), options=options, seed=0,
        progress=no_progress,
    )  # fmt: skip
    step = {"technique": "int8", "settings": {"io": "int8"}}
    more = {
        "dataset": str(spooled.root),
        "samples": SAMPLES,
        "inputs": list(names),
        "outputs": [f"of_{name}" for name in names],
    }
    convert({**job, **more, "steps": [step], "target": str(tmp_path)}, no_progress)
    tflite = read_tflite(tmp_path / "model.tflite")
    large, small = (tflite.tensors[index].scales[0] for index in tflite.inputs)
    assert large == pytest.approx(200 / 255, rel=0.1)
    assert small == pytest.approx(2 / 255, rel=0.1)
