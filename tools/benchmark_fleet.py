"""A fleet against single builds: wall time, and how often what several devices need is made.

    python tools/benchmark_fleet.py [--project examples/digits] [--workers 2] [--device rpi4 --device ...]

Each single build begins with an empty cache, as on a machine of its own; then one build of all devices, with an empty
cache too, one after another and side by side. It prints a table for docs/benchmarks.md and fails where a device's
bytes are not those of its single build with as many workers.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEVICES = ("rpi4", "pixel-4", "esp32-s3", "nucleo-l4r5zi")
MADE = {"stages": "trainings", "artifacts": "conversions", "measurements": "measurements"}


def main() -> None:
    """Build, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--project", type=Path, default=ROOT / "examples" / "digits")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--device", action="append")
    options = parser.parse_args()
    devices = tuple(options.device or DEVICES)
    rows, chosen = [], {}
    with tempfile.TemporaryDirectory() as scratch:
        for workers in dict.fromkeys((1, options.workers)):
            alone = [_build(options.project, (name,), workers, Path(scratch) / f"{name}-{workers}") for name in devices]
            fleet = _build(options.project, devices, workers, Path(scratch) / f"fleet-{workers}")
            chosen[workers] = {name: found for one in alone for name, found in one["chosen"].items()}
            if fleet["chosen"] != chosen[workers]:
                raise SystemExit(
                    f"the fleet chose other bytes with {workers} workers: {fleet['chosen']} {chosen[workers]}"
                )
            rows += [_row(f"{len(devices)} builds, `--workers {workers}`", alone)]
            rows += [_row(f"one build of {len(devices)}, `--workers {workers}`", [fleet])]
    titles = ["", "wall time", *MADE.values()]
    sys.stdout.write(
        f"{', '.join(devices)}; {platform.machine()}, {os.cpu_count()} cores; each with an empty cache.\n\n"
    )
    for row in (titles, ["---", *["---:"] * (len(titles) - 1)], *rows):
        sys.stdout.write(f"| {' | '.join(row)} |\n")


def _row(title: str, builds: Sequence[dict]) -> list[str]:
    seconds = sum(one["seconds"] for one in builds)
    return [title, f"{seconds:.0f} s", *(str(sum(one[kind] for one in builds)) for kind in MADE)]


def _build(project: Path, devices: Sequence[str], workers: int, folder: Path) -> dict:
    """One build: its seconds, what its cache holds, and the bytes that were chosen."""
    command = [sys.executable, "-m", "edgekit", "build", "--project", str(project), "--quiet", "--json"]
    command += [part for name in devices for part in ("--device", name)]
    command += ["--workers", str(workers), "--out", str(folder / "out")]
    environment = {**os.environ, "EDGEKIT_CACHE": str(folder / "cache"), "PYTHONPATH": str(ROOT)}
    started = time.perf_counter()
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=False)
    seconds = time.perf_counter() - started
    if done.returncode not in (0, 1):
        raise SystemExit(done.returncode)
    answer = json.loads(done.stdout)
    reports = answer if isinstance(answer, list) else [answer]
    made = {kind: len(list((folder / "cache" / kind).glob("*"))) for kind in MADE}
    return {"seconds": seconds, "chosen": {one["device"]: one["chosen"]["sha256"] for one in reports}, **made}


if __name__ == "__main__":
    main()
