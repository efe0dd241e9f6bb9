"""L1 training against magnitude pruning at the same share of zeros and the same length of training: the table of docs/techniques.md.

    python tools/measure_l1.py [--data FOLDER] [--epochs 5] [--seeds 0 1 2]

The bundled digits, and MNIST where FOLDER holds `mnist.npz`, through whole builds whose chains differ in the technique alone. Accuracies are of the
validation split, in which the one that is measured for both is the same.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import edgekit

ROOT = Path(__file__).resolve().parent.parent
TECHNIQUES = ("pruning", "l1")
PROJECTS = {
    "digits": (ROOT / "examples" / "digits", "digits:trained_model", '"digits.npz"'),
    "mnist": (ROOT / "tools" / "benchmark_projects", "mnist:trained_model", '"mnist:arrays"'),
}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--shares", type=float, nargs="+", default=[0.5, 0.75, 0.9, 0.95])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options = parser.parse_args()
    if options.data:
        os.environ["EDGEKIT_BENCHMARK_DATA"] = str(options.data.resolve())
    sys.stdout.write("| data | zeros | technique | points lost | deflated, bytes |\n|---|---|---|---|---|\n")
    for name in ("digits", *(["mnist"] if options.data else [])):
        found = [_built(name, options.epochs, seed, options.shares) for seed in options.seeds]
        for share in options.shares:
            for technique in TECHNIQUES:
                rows = [one[technique, share] for one in found]
                drops = ", ".join(f"{drop:.2f}" for drop, _ in rows)
                download = statistics.median(size for _, size in rows)
                sys.stdout.write(f"| {name} | {share:.0%} | {technique} | {drops} | {download:,.0f} |\n")
        sys.stdout.flush()


def _built(name: str, epochs: int, seed: int, shares: Sequence[float]) -> dict[tuple[str, float], tuple[float, ...]]:
    """Of each technique and share the points lost on the validation split, and the deflated bytes."""
    source, model, data = PROJECTS[name]
    asked = [(technique, share) for share in shares for technique in TECHNIQUES]
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "project"
        shutil.copytree(source, project)
        (project / "edgekit.toml").write_text(_text(model, data, epochs, seed, asked), encoding="utf-8")
        report = edgekit.build(project=project, out=Path(folder) / "out", device="rpi4").report
    rows = [one for one in report.candidates if one.candidate.startswith("own_")]
    found = {}
    for pair, row in zip(asked, sorted(rows, key=lambda one: int(one.candidate.split(":")[0][4:])), strict=True):
        found[pair] = tuple(float(row.metrics[key].value or 0) for key in ("accuracy_drop", "download"))
    return found


def _text(model: str, data: str, epochs: int, seed: int, asked: list[tuple[str, float]]) -> str:
    chains = [
        f'[[chain]]\nsteps = [{{ technique = "{technique}", settings = {{ sparsity = {share}, '
        f'threshold = "{"layer" if share < 0.9 else "global"}" }} }}, "int8"]\n'
        for technique, share in asked
    ]
    head = f'model = "{model}"\ndata = {data}\nseed = {seed}\n[goal]\ncurrency = "ram"\nmax_drop = 100\n'
    return head + f"[training]\nepochs = {epochs}\n" + "".join(chains)


if __name__ == "__main__":
    main()
