"""A model in ONNX built as a user builds it: the file fits, agrees with onnxruntime, and says which order the device feeds."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("onnx", reason="needs the `onnx` extra")
pytestmark = pytest.mark.slow


def test_the_network_becomes_int8_and_its_device_feeds_channels_last(copied, run):
    folder = copied("onnx")
    done = run("edgekit", "build", "--json", folder=folder)
    assert done.returncode == 0
    report = json.loads(done.stdout)
    assert report["outcome"] == "pass" and report["chosen"]["candidate"] == "int8"
    (entry,) = report["chosen"]["inputs"]
    assert entry["shape"] == [1, 8, 8, 1] and "channels last" in entry["layout"]
    assert any("agrees with onnxruntime" in note for note in report["notes"])
    assert any("were transposed to 8 x 8 x 1" in note for note in report["notes"])
    assert "channels last" in (folder / "build" / "rpi4" / "inference.py").read_text(encoding="utf-8")


def test_what_needs_training_is_proved_in_the_file_of_a_model_from_onnx(copied, run):
    folder = copied("onnx")
    chains = (["quantization_aware", "int8"], ["structured_pruning", "int8"])
    text = "".join(f"\n[[chain]]\nsteps = {json.dumps(chain)}\n" for chain in chains)
    project = folder / "edgekit.toml"
    project.write_text(project.read_text(encoding="utf-8") + "\n[training]\nepochs = 2\n" + text, encoding="utf-8")
    done = run("edgekit", "build", "--json", folder=folder, timeout_s=600)
    tried = {one["candidate"]: one for one in json.loads(done.stdout)["candidates"]}
    for number, (first, last) in enumerate(chains, start=1):
        (found,) = (one for name, one in tried.items() if name.startswith(f"own_{number}:{first}"))
        assert found["outcome"] in ("pass", "fail"), found["reason"]
        assert any(line.startswith(first) for line in found["training"])
        assert any("in the file" in line and last in line for line in found["evidence"])
