"""A float `.tflite` built as a user builds it: quantized for a board with Linux, coded and in mixed widths for a microcontroller, nothing trained."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from edgekit.tflite.patched import patched
from edgekit.tflite.reader import read_tflite
from edgekit.tflite.weights import kernels

pytestmark = pytest.mark.slow


def test_the_file_becomes_int8_and_nothing_is_trained(copied, run):
    folder = copied("tflite")
    done = run("edgekit", "build", "--json", folder=folder)
    assert done.returncode == 0
    report = json.loads(done.stdout)
    assert report["outcome"] == "pass" and report["chosen"]["candidate"] == "int8"
    assert not any(one["training"] for one in report["candidates"])
    declined = {one["technique"]: one["reason"] for one in report["declined"]}
    assert "no trainable weights" in declined["pruning"] and "no kernel need stay in float" in declined["int8_mixed_5"]
    assert any("a finished file" in note for note in report["notes"])


def prune(path: Path) -> None:
    """Leave a tenth of the weights of the largest kernel, as somebody may have done before."""
    model = read_tflite(path)
    largest = max(kernels(model), key=lambda one: one.array.size)
    size = abs(largest.array)
    kept = np.where(size >= np.quantile(size, 0.9), largest.array, 0).astype("<f4")
    path.write_bytes(patched(model.content, model, {largest.index: kept}))


def test_a_microcontroller_gets_its_sources_and_coded_weights_and_mixed_widths_are_proved(copied, run):
    pytest.importorskip("tflite_micro", reason="needs the `micro` extra")
    folder = copied("tflite")
    prune(folder / "digits.tflite")
    chains = ("int8_coded", "int8_mixed")
    text = "".join(f"\n[[chain]]\nsteps = {json.dumps([chain])}\n" for chain in chains)
    project = folder / "edgekit.toml"
    project.write_text(project.read_text(encoding="utf-8") + text, encoding="utf-8")
    done = run("edgekit", "build", "--json", "--device", "nano-33-ble", folder=folder)
    assert done.returncode == 0
    report = json.loads(done.stdout)
    assert report["outcome"] == "pass"
    tried = {one["candidate"]: one for one in report["candidates"]}
    for number, chain in enumerate(chains, start=1):
        (found,) = (one for name, one in tried.items() if name.startswith(f"own_{number}:{chain}"))
        assert found["outcome"] in ("pass", "fail"), found["reason"]
        (shown,) = found["evidence"]
        assert shown.startswith(f"{chain}, in the file: ")
    sources = {path.name for path in (folder / "build" / "nano-33-ble").rglob("*.cc")}
    assert "model_data.cc" in sources
