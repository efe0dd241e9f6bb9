"""A model in ONNX with an input that is held at a value, from end to end: two networks in an `If`, of which the device gets one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import edgekit
from edgekit.tflite.reader import read_tflite

onnx = pytest.importorskip("onnx", reason="needs the `onnx` extra")
pytest.importorskip("onnxruntime", reason="needs the `onnx` extra")
pytestmark = [pytest.mark.tf, pytest.mark.slow]
NOTE = "model: the input 'sr' is held at 16000: the file does not have it"


def of_two_rates(path: Path) -> None:
    """`sr` chooses between a dense layer and one with the opposite weights."""
    helper = onnx.helper
    weights = np.random.default_rng(1).standard_normal((6, 3)).astype(np.float32)
    branches = {}
    for name, sign in (("then_branch", 1), ("else_branch", -1)):
        nodes = [helper.make_node("MatMul", ["audio", "w"], ["m"]), helper.make_node("Softmax", ["m"], ["end"])]
        held = [onnx.numpy_helper.from_array(sign * weights, "w")]
        branches[name] = helper.make_graph(nodes, name, [], [helper.make_empty_tensor_value_info("end")], held)
    rate = onnx.numpy_helper.from_array(np.int64(16000), "rate")
    nodes = [helper.make_node("Equal", ["sr", "rate"], ["is"]), helper.make_node("If", ["is"], ["classes"], **branches)]
    ends = [helper.make_tensor_value_info("audio", 1, ["batch", 6]), helper.make_tensor_value_info("sr", 7, [])]
    graph = helper.make_graph(nodes, "g", ends, [helper.make_tensor_value_info("classes", 1, ["batch", 3])], [rate])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    audio = np.random.default_rng(2).standard_normal((360, 6)).astype(np.float32)
    labels = (audio @ weights).argmax(axis=1)
    arrays = {}
    for index, split in enumerate(("train", "val", "test")):
        rows = slice(120 * index, 120 * (index + 1))
        arrays |= {f"x_{split}_audio": audio[rows], f"x_{split}_sr": np.full(120, 16000), f"y_{split}": labels[rows]}
    np.savez(path.with_name("data.npz"), **arrays)


def test_the_file_has_the_network_of_the_value_and_one_input(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path / "cache"))
    of_two_rates(tmp_path / "net.onnx")
    (tmp_path / "edgekit.toml").write_text(
        'device = "rpi4"\ndata = "data.npz"\n[model]\nsource = "net.onnx"\nheld = { sr = 16000 }\n[training]\nepochs = 0\n'
    )
    built = edgekit.build(project=tmp_path, out=tmp_path / "out")
    report = built.report
    assert report.outcome == "pass" and report.chosen.metrics["accuracy"].value > 0.95
    assert [port.name for port in report.chosen.inputs] == ["audio"] and report.chosen.held == {"sr": "16000"}
    assert NOTE in report.notes and any("'sr' is not used" in note for note in report.notes)
    assert len(read_tflite(built.path).inputs) == 1
    script, page = ((built.folder / name).read_text("utf-8") for name in ("inference.py", "report.html"))
    assert "# the input 'sr' is held at 16000" in script and "is held at 16000" in page
