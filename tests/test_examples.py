"""The bundled project from end to end, as a reader runs it; the examples of an app's build are in tests/examples."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
pytestmark = pytest.mark.slow


def run(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "EDGEKIT_CACHE": str(tmp_path / "cache")}
    return subprocess.run(
        [sys.executable, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=900
    )


def test_digits_fits_a_raspberry_pi_and_a_second_build_trains_nothing(tmp_path):
    build = ["-m", "edgekit", "build", "--device", "rpi4", "--project", str(ROOT / "examples" / "digits"), "--json"]
    first = run(tmp_path, *build, "--out", "first")
    assert first.returncode == 0, first.stderr
    report = json.loads(first.stdout)
    assert report["outcome"] == "pass"
    flash = {name: report[name]["metrics"]["flash"]["value"] for name in ("baseline", "chosen")}
    assert flash["chosen"] == (tmp_path / "first/rpi4/model.tflite").stat().st_size < flash["baseline"]
    manifest = json.loads((tmp_path / "first/rpi4/manifest.json").read_text(encoding="utf-8"))
    assert {"model.tflite", "report.json", "plan.json", "inference.py"} <= set(manifest["files"])
    second = run(tmp_path, *build, "--out", "second")
    assert second.stdout == first.stdout
    names = sorted(path.name for path in (tmp_path / "first/rpi4").iterdir())
    assert all(
        (tmp_path / "first/rpi4" / name).read_bytes() == (tmp_path / "second/rpi4" / name).read_bytes()
        for name in names
    )


def test_digits_with_the_smallest_download_as_the_goal_ends_in_a_chain_beside_a_control(tmp_path):
    done = run(
        tmp_path, "-m", "edgekit", "build", "--device", "nano-33-ble", "--goal", "download",
        "--project", str(ROOT / "examples" / "digits"), "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    tried = {candidate["candidate"]: candidate for candidate in report["candidates"]}
    assert tried["fine_tuning+float32"]["outcome"] == "control"
    chosen = tried[report["chosen"]["candidate"]]
    assert {"pruning", "clustering"} <= {step["technique"] for step in chosen["steps"]}
    assert chosen["control"] == "fine_tuning+float32" and chosen["training"]
    assert any("in the file" in line and "pruning" in line for line in chosen["evidence"])
    sizes = {name: one["metrics"]["download"]["value"] for name, one in tried.items() if one["outcome"] == "pass"}
    assert sizes[chosen["candidate"]] == min(sizes.values()) < sizes["int8"] / 3
