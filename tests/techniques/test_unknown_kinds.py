"""Two techniques of kinds that nothing in edgekit knows, from an installed package: planned, costed, tried and reported.

One changes shapes, the other stores weights in half a byte. They are in `unknown_kinds/`, and nowhere else.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
KINDS = Path(__file__).parent / "unknown_kinds"
MODEL = (Path(__file__).parent / "user" / "tiny_dense.py").read_text(encoding="utf-8")
PROJECT = """
model = "tiny:model"
data = "tiny:data"
[goal]
max_drop = 100
search = "all"
[training]
epochs = 1
learning_rate = 1e-3
exclude = ["wide"]  # edgekit's own techniques leave its shape to the two
[[chain]]
steps = [{ technique = "half_channels", settings = { layer = "wide", reader = "classes", left = 32 } }, "int4_weights"]
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of installed packages with the two techniques in it, as pip would leave it."""
    folder = tmp_path_factory.mktemp("site")
    for path in KINDS.glob("*.py"):
        (folder / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    record = folder / "unknown_kinds-1.0.dist-info"
    record.mkdir()
    (record / "METADATA").write_text("Metadata-Version: 2.1\nName: unknown-kinds\nVersion: 1.0\n", encoding="utf-8")
    points = "half_channels = half_channels:HalfChannels\nint4_weights = int4_weights:Int4Weights\n"
    (record / "entry_points.txt").write_text(f"[edgekit.techniques]\n{points}", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def built(site: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Any], str]:
    """The report, the plan and the page of a build."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "tiny.py").write_text(MODEL, encoding="utf-8")
    (folder / "edgekit.toml").write_text(PROJECT, encoding="utf-8")
    environment = {
        **os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(site)]), "EDGEKIT_CACHE": str(folder / "cache"),
    }  # fmt: skip
    command = [sys.executable, "-m", "edgekit", "build", "--device", "rpi4", "--goal", "smallest", "--json"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    (plan,) = folder.glob("*/rpi4/plan.json")
    page = plan.with_name("report.html").read_text(encoding="utf-8")
    return json.loads(done.stdout), json.loads(plan.read_text()), page


@pytest.mark.tf
def test_they_are_planned_and_costed_by_their_effect(built):
    candidates = {candidate["name"]: candidate["estimates"] for candidate in built[1]["candidates"]}
    int8, half, four = (candidates[name] for name in ("int8", "half_channels+int8", "int4_weights"))
    weights = 64 * 64 + 64 * 4
    assert int8["flash"]["value"] - four["flash"]["value"] == weights / 2
    assert int8["flash"]["value"] - half["flash"]["value"] == weights / 2 + 32 * (4 + 9), "a bias and a scale an output"
    for metric in ("download", "ram"):
        assert half[metric]["value"] < int8[metric]["value"], metric
    assert half["latency"]["low"] <= half["latency"]["value"] < int8["latency"]["value"]


@pytest.mark.tf
def test_they_are_tried_and_proved_in_the_bytes(built):
    tried = {candidate["candidate"]: candidate for candidate in built[0]["candidates"]}
    half, four = tried["half_channels+int8"], tried["int4_weights"]
    assert (half["outcome"], four["outcome"]) == ("pass", "pass"), (half["reason"], four["reason"])
    assert "half_channels, in the model after half_channels: 32 outputs of wide" in half["evidence"]
    assert "half_channels, in the file: dense kernels of [32, 4] outputs" in half["evidence"]
    assert four["evidence"] == ["int4_weights, in the file: 2 of 2 dense kernels are int4"]
    assert half["metrics"]["macs"]["value"] == tried["int8"]["metrics"]["macs"]["value"] / 2
    for name in ("half_channels+int8", "int4_weights"):
        assert tried[name]["metrics"]["flash"]["value"] < tried["int8"]["metrics"]["flash"]["value"], name
        assert tried[name]["metrics"]["accuracy"]["value"] > 0.5, "four classes"
    assert half["control"] == "fine_tuning+float32", "training with a technique has its control"


@pytest.mark.tf
def test_a_chain_of_both_is_the_smallest_and_is_in_every_view(built):
    report, _, page = built
    both = "own_1:half_channels+int4_weights"
    assert report["chosen"]["candidate"] == both
    assert [step["technique"] for step in report["chosen"]["steps"]] == ["half_channels", "int4_weights"]
    for text in (both, "half_channels+int8", "int4_weights", "dense kernels of [32, 4] outputs"):
        assert text in page, text
