"""Recurrent layers whose rounding was trained, converted with their loops unrolled: whole in int8, and as the model that was trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.ingest.spool import spool_result
from edgekit.progress import no_progress
from edgekit.project.project_file import DataTable
from edgekit.techniques.fake_quant.build import fake_quantized
from edgekit.tflite.reader import read_tflite
from edgekit.values import to_builtins

pytestmark = pytest.mark.tf
STEPS, FEATURES, SAMPLES = 5, 4, 32
CHAIN = [{"technique": "quantization_aware", "settings": {}}, {"technique": "int8", "settings": {"io": "float32"}}]


def with_states(layers: Any, x: Any, kind: Any) -> Any:
    """As ONNX has a layer in both directions of which the steps and the last states are taken, each concatenated."""
    ways = [kind(3, return_sequences=True, return_state=True, go_backwards=back)(x) for back in (False, True)]
    steps, states = (layers.Concatenate()([way[place] for way in ways]) for place in (0, 1))
    return layers.Add()([layers.Dense(6)(layers.Flatten()(steps)), layers.Dense(6)(states)])


def of_bidirectional(layers: Any, x: Any) -> Any:
    steps, *states = layers.Bidirectional(layers.GRU(3, return_sequences=True, return_state=True))(x)
    return layers.Add()([layers.Dense(6)(layers.Flatten()(steps)), layers.Dense(6)(layers.Concatenate()(states))])


NETWORKS = {
    "both ways, steps and states": lambda layers, x: with_states(layers, x, layers.GRU),
    "both ways, steps and states of an LSTM": lambda layers, x: with_states(layers, x, layers.LSTM),
    "both ways, steps and states of one layer": of_bidirectional,
    "each step given out": lambda layers, x: layers.GRU(6)(layers.GRU(6, return_sequences=True)(x)),
    "both ways, each step given out": lambda layers, x: layers.GRU(6)(
        layers.Bidirectional(layers.GRU(3, return_sequences=True))(x)
    ),
    "masked": lambda layers, x: layers.GRU(6)(layers.Masking()(x)),
    "masked, each step given out": lambda layers, x: layers.GRU(6)(
        layers.GRU(6, return_sequences=True)(layers.Masking()(x))
    ),
}


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_an_unrolled_layer(tools: Any, tmp_path: Path, name: str) -> None:
    """A state that is an output too has one range, not one as each: its sum would stay in float."""
    from edgekit.make.workshop.convert import convert

    layers, entry = tools.keras3.layers, tools.keras3.Input((STEPS, FEATURES), name="steps")
    model = fake_quantized(tools, tools.keras3.Model(entry, layers.Dense(3)(NETWORKS[name](layers, entry))))
    draw = np.random.default_rng(0)
    x = draw.uniform(-1, 1, (SAMPLES, STEPS, FEATURES)).astype("float32")
    x[np.arange(STEPS) >= draw.integers(1, STEPS + 1, (SAMPLES, 1))] = 0.0
    model(x, training=True)
    model.save(tmp_path / "model.keras")
    expected = np.asarray(model(x, training=False))
    (tmp_path / "data").mkdir()
    splits = dict.fromkeys(("train", "validation", "test"), (x, np.zeros(SAMPLES, "float32")))
    spooled = spool_result(
        splits, tmp_path / "data", names=("steps",), options=to_builtins(DataTable(source="data")), seed=0, progress=no_progress,
    )  # fmt: skip
    answer = convert(
        {
            "model": str(tmp_path), "steps": CHAIN, "dataset": str(spooled.root), "samples": SAMPLES, "seed": 0, "imports": [],
            "root": str(tmp_path), "inputs": ["steps"], "outputs": ["out"], "target": str(tmp_path), "unrolled": True,
        },
        no_progress,
    )  # fmt: skip
    assert all(one["holds"] for one in answer["evidence"]), answer["evidence"]
    assert answer["loops"] == 0 and read_tflite(tmp_path / "model.tflite").operators
    np.testing.assert_allclose(answers(tmp_path / "model.tflite", x), expected, atol=0.08 * np.ptp(expected))


def answers(path: Path, x: np.ndarray) -> np.ndarray:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()
    found = []
    for sample in x:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], sample[None])
        interpreter.invoke()
        found.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0])
    return np.stack(found)
