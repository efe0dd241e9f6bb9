"""A build for an NPU: trained candidates are compiled too, and what the device gets stands beside the model."""

from __future__ import annotations

import hashlib
import json

import pytest

from edgekit.machine.extras import is_installed

pytestmark = [
    pytest.mark.slow,
    pytest.mark.tf,
    pytest.mark.npu,
    pytest.mark.skipif(not is_installed("ethosu"), reason="ethos-u-vela is not installed"),
]


def test_a_pruned_candidate_is_smaller_in_the_flash_of_an_ethos(edgekit_command, tiny_project):
    settings = tiny_project / "edgekit.toml"
    settings.write_text(settings.read_text() + '[[chain]]\nsteps = ["pruning"]\n')
    ran = edgekit_command(
        "build", "--device", "corstone-300", "--out", "out", "--goal", "smallest", "--time-budget", "60s", "--max-drop", "60", "--json",
        folder=tiny_project, timeout_s=240,
    )  # fmt: skip
    report = json.loads(ran.stdout)
    failing = {check["name"] for check in report["checks"] if check["outcome"] in ("fail", "unknown")}
    assert failing <= {"agreement"}, ran.stderr  # of a network of one epoch the heaviest chain in time may leave little
    out = tiny_project / "out" / "corstone-300"
    made, tried = report["chosen"]["compiled"], {one["candidate"]: one for one in report["candidates"]}
    content = (out / "model_vela.tflite").read_bytes()
    assert made["path"] == "model_vela.tflite" and made["sha256"] == hashlib.sha256(content).hexdigest()
    assert report["chosen"]["metrics"]["flash"]["value"] == len(content)
    assert report["chosen"]["metrics"]["flash_plain"]["value"] == (out / "model.tflite").stat().st_size
    assert "model_vela.tflite" in json.loads((out / "manifest.json").read_text())["files"]
    assert {one["technique"] for one in report["declined"]}.isdisjoint({"pruning", "clustering"})
    pruned = [one for name, one in tried.items() if name.startswith("own_1:pruning") and one["metrics"]]
    assert pruned and pruned[0]["metrics"]["flash"]["value"] < tried["int8"]["metrics"]["flash"]["value"]
