"""What features of the float model are worth to a student: the tables of docs/benchmarks.md.

    python tools/measure_features.py methods [--seeds 0 1 2]
    python tools/measure_features.py builds [--seeds 0 1 2] [--weights 0 5]

`methods` trains students of the bundled digits model at a fixed learning rate, with the ways to compare inner tensors that were considered, and
judges each as it is, in float32, on the test split. `builds` are whole builds, which differ in `features` of `[student]` alone.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

import edgekit

ROOT = Path(__file__).resolve().parent.parent
DIGITS = ROOT / "examples" / "digits"
SHARES = ((0.5, 4), (0.5, 16))
"""The width of a student, and the epochs of its training."""


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", choices=["methods", "builds"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--weights", type=float, nargs="+", default=[0, 5])
    options = parser.parse_args()
    if options.table == "builds":
        _builds(options.seeds, options.weights)
        return
    from features_by import write_methods

    write_methods(DIGITS, options.seeds)


def _builds(seeds: list[int], weights: list[float]) -> None:
    heads = (
        "width", "epochs", "features", "points lost on validation, by seed", "mean", "points lost on test, by seed", "mean", "seconds",
    )  # fmt: skip
    sys.stdout.write(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}\n")
    for width, epochs in SHARES:
        for weight in weights:
            found = [_built(width, epochs, weight, seed) for seed in seeds]
            *drops, seconds = zip(*found, strict=True)
            lost = [
                cell
                for one in drops
                for cell in (", ".join(f"{drop:.2f}" for drop in one), f"{statistics.mean(one):.2f}")
            ]
            cells = (f"{width:g}", str(epochs), f"{weight:g}", *lost, f"{statistics.median(seconds):.1f}")
            sys.stdout.write(f"| {' | '.join(cells)} |\n")
            sys.stdout.flush()


def _built(width: float, epochs: int, weight: float, seed: int) -> tuple[float, float, float]:
    """The points that the student's int8 file loses on the validation and on the test split, and the seconds that it took to make."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "project"
        shutil.copytree(DIGITS, project)
        (project / "edgekit.toml").write_text(
            f'model = "digits:trained_model"\ndata = "digits.npz"\nseed = {seed}\n[goal]\nmax_drop = 100\ncurrency = "ram"\n'
            f"[training]\nepochs = 1\n[student]\nwidth = {width}\nepochs = {epochs}\nfeatures = {weight}\n"
            '[[chain]]\nsteps = ["student", "int8"]\n',
            encoding="utf-8",
        )
        report = edgekit.build(project=project, out=Path(folder) / "out", device="rpi4").report
    (row,) = (one for one in report.candidates if one.candidate.startswith("own_"))
    assert report.chosen is not None and report.chosen.candidate == row.candidate
    tested = report.chosen.metrics["accuracy_drop"].value
    return float(row.metrics["accuracy_drop"].value), float(tested), float(row.seconds)


if __name__ == "__main__":
    main()
