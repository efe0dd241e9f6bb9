"""A fused LSTM in int8 whose cell stays small: its cell state has a scale that the kernel computes with, and the answers are right."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.ingest.spool import spool_result
from edgekit.progress import no_progress
from edgekit.project.project_file import DataTable
from edgekit.tflite.cell_scale import CELL_STATE, LARGEST, SMALLEST, bound_cell_scales
from edgekit.tflite.reader import parse_tflite
from edgekit.values import to_builtins

pytestmark = pytest.mark.tf
STEPS, FEATURES, SAMPLES = 8, 6, 8


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, np.ndarray, np.ndarray]:
    """Two stacked LSTM layers as the job `convert` makes them in int8, samples, and what Keras answers to them."""
    from edgekit.make.workshop.convert import convert
    from edgekit.make.workshop.door import door
    from edgekit.make.workshop.store import save_model

    tools, folder = door(), tmp_path_factory.mktemp("lstm")
    tools.fresh(2)
    layers = tools.keras3.layers
    entry = tools.keras3.Input((STEPS, FEATURES))
    first = layers.LSTM(12, return_sequences=True)(entry)
    model = tools.keras3.Model(entry, layers.LSTM(12)(first))
    save_model(model, folder)
    x = np.random.default_rng(0).random((SAMPLES, STEPS, FEATURES), dtype=np.float32)
    job = {
        "model": str(folder), "steps": [{"technique": "int8", "settings": {}}], "dataset": str(spooled(folder / "data", x)),
        "samples": SAMPLES, "seed": 0, "root": str(folder), "imports": [], "target": str(folder), "inputs": ["x"], "outputs": ["y"],
    }  # fmt: skip
    assert convert(job, no_progress)["evidence"][0]["holds"]
    return (folder / "model.tflite").read_bytes(), x, np.asarray(model(x))


def spooled(folder: Path, x: np.ndarray) -> Path:
    folder.mkdir()
    arrays = {
        f"{kind}_{name}": each for name in ("train", "val", "test") for kind, each in (("x", x), ("y", x[:, 0, 0]))
    }
    options = to_builtins(DataTable(source="data"))
    return spool_result(arrays, folder, names=("x",), options=options, seed=0, progress=no_progress).root


def scales(content: bytes) -> list[float]:
    model = parse_tflite(content, where="test")
    found = [operator for operator in model.operators if operator.name == "UNIDIRECTIONAL_SEQUENCE_LSTM"]
    return [model.tensors[operator.inputs[CELL_STATE]].scales[0] for operator in found]


def test_a_cell_that_stays_small_answers_as_the_model_does(made):
    content, x, expected = made
    assert scales(content) == [SMALLEST, SMALLEST]
    interpreter: Any = pytest.importorskip("ai_edge_litert.interpreter").Interpreter(model_content=content)
    interpreter.allocate_tensors()
    for sample, answer in zip(x, expected, strict=True):
        interpreter.reset_all_variables()
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], sample[None])
        interpreter.invoke()
        given = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0]
        np.testing.assert_allclose(given, answer, atol=0.01)


@pytest.mark.parametrize(
    ("scale", "bounded"),
    [(2.0**-17, SMALLEST), (2.0**-12, 2.0**-12), (2.0**-8, LARGEST)],
    ids=["small", "fits", "large"],
)
def test_only_the_scales_beyond_the_kernels_range_change(made, scale, bounded):
    """The converter keeps the scales of the two layers apart, so each has 4 bytes of its own."""
    content, _, _ = made
    given = content.replace(struct.pack("<If", 1, SMALLEST), struct.pack("<If", 1, scale))  # vectors of one scale
    assert scales(given) == [scale, scale]
    changed = bound_cell_scales(given)
    assert scales(changed) == [bounded, bounded] and len(changed) == len(given)
    different = sum(before != after for before, after in zip(given, changed, strict=True))
    assert different <= 2 * struct.calcsize("<f")
