"""A program of PyTorch built as a user builds it: it fits, agrees with the module itself, and training reaches its batch normalization."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("onnxruntime", reason="needs the `onnx` extra")
pytestmark = pytest.mark.slow
CHAIN = ["quantization_aware", "int8"]


def test_a_program_builds_agrees_with_its_module_and_can_be_trained(copied, run, torch_python):
    folder = copied("pytorch")
    project = folder / "edgekit.toml"
    more = f"\n[training]\nepochs = 1\n\n[[chain]]\nsteps = {json.dumps(CHAIN)}\n"
    project.write_text(project.read_text(encoding="utf-8") + more, encoding="utf-8")
    done = run("edgekit", "build", "--json", folder=folder, timeout_s=600)
    assert done.returncode == 0
    report = json.loads(done.stdout)
    assert report["outcome"] == "pass"
    assert any("agrees with the PyTorch model on random input" in note for note in report["notes"])
    assert any("answers as the PyTorch model on 16 of your training samples" in note for note in report["notes"])
    (entry,) = report["chosen"]["inputs"]
    assert entry["shape"] == [1, 8, 8, 1] and "channels last" in entry["layout"]
    (found,) = (one for one in report["candidates"] if one["candidate"].startswith("own_1:quantization_aware"))
    assert found["outcome"] in ("pass", "fail"), found["reason"]
    assert any("in the file" in line and "int8" in line for line in found["evidence"])
