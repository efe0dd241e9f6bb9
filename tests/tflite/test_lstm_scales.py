"""The states of a fused LSTM in int8 have scales that its kernel computes with, and the answers are right."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.ingest.spool import spool_result
from edgekit.progress import no_progress
from edgekit.project.project_file import DataTable
from edgekit.tflite.lstm_scales import CELL_STATE, HIDDEN_STATE, LARGEST, SMALLEST, mended_lstm_scales
from edgekit.tflite.reader import parse_tflite
from edgekit.values import to_builtins

pytestmark = pytest.mark.tf
STEPS, FEATURES, SAMPLES = 8, 6, 8


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, np.ndarray, np.ndarray]:
    """Two stacked LSTM layers as the job `convert` makes them in int8, samples, and what Keras answers to them."""
    return converted(
        tmp_path_factory.mktemp("lstm"),
        lambda layers, x: layers.LSTM(12)(layers.LSTM(12, return_sequences=True)(x)),
    )


def converted(folder: Path, build: Any) -> tuple[bytes, np.ndarray, np.ndarray]:
    from edgekit.make.workshop.convert import convert
    from edgekit.make.workshop.door import door
    from edgekit.make.workshop.store import save_model

    tools = door()
    tools.fresh(2)
    entry = tools.keras3.Input((STEPS, FEATURES))
    model = tools.keras3.Model(entry, build(tools.keras3.layers, entry))
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
    np.testing.assert_allclose(answers(content, x), expected, atol=0.01)


def answers(content: bytes, x: np.ndarray) -> np.ndarray:
    interpreter: Any = pytest.importorskip("ai_edge_litert.interpreter").Interpreter(model_content=content)
    interpreter.allocate_tensors()
    found = []
    for sample in x:
        interpreter.reset_all_variables()
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], sample[None])
        interpreter.invoke()
        found.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0])
    return np.stack(found)


JOINED = {
    "bidirectional": lambda layers, x: layers.Bidirectional(layers.LSTM(12))(x),
    "bidirectional, sequences, twice": lambda layers, x: layers.Bidirectional(layers.LSTM(6))(
        layers.Bidirectional(layers.LSTM(12, return_sequences=True))(x)
    ),
    "beside a dense layer": lambda layers, x: layers.Concatenate()(
        [layers.LSTM(12)(x), layers.Dense(4)(layers.Flatten()(x))]
    ),
    "two, one on the other": lambda layers, x: layers.Concatenate()(
        [layers.LSTM(12, name="first", return_sequences=True)(x), layers.LSTM(8, return_sequences=True)(x)]
    ),
    "beside its own input": lambda layers, x: layers.Concatenate()([layers.LSTM(12, return_sequences=True)(x), x]),
    "backwards beside a dense layer": lambda layers, x: layers.Concatenate()(
        [layers.LSTM(12, return_sequences=True, go_backwards=True)(x), layers.Dense(4)(x)]
    ),
}


@pytest.mark.parametrize("name", sorted(JOINED))
def test_a_hidden_state_has_the_scale_of_the_output(tmp_path: Path, name: str) -> None:
    """Also where a concatenation gives the output another one than the state was calibrated with."""
    content, x, expected = converted(tmp_path, JOINED[name])
    model = parse_tflite(content, where="test")
    same = [
        (one.inputs[HIDDEN_STATE if one.name == "UNIDIRECTIONAL_SEQUENCE_LSTM" else 0], one.outputs[0])
        for one in model.operators
        if one.name in ("UNIDIRECTIONAL_SEQUENCE_LSTM", "REVERSE_V2")
    ]
    for state, output in ((model.tensors[a], model.tensors[b]) for a, b in same):
        assert (state.scales, state.zero_points) == (output.scales, output.zero_points)
    np.testing.assert_allclose(answers(content, x), expected, atol=0.03 * np.abs(expected).max())


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
    changed = mended_lstm_scales(given)
    assert scales(changed) == [bounded, bounded] and len(changed) == len(given)
    different = sum(before != after for before, after in zip(given, changed, strict=True))
    assert different <= 2 * struct.calcsize("<f")
