"""Accuracy after a fine-tune without and with `[training] augment`, on a residual network and few images.

    python tools/benchmark_augment.py --data FOLDER [--images 3000] [--seed 0 --seed 1]

FOLDER holds `cifar10_jpeg.tar.gz`. The network of `benchmark_projects/cifar.py` is trained once on so many of the images, mirrored and shifted; then
the same candidates are made by edgekit's own jobs, from the same weights, without and with augmentation. Figures are those of all 4,000 test images.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.cache import Cache
from edgekit.candidate import Candidate, Step
from edgekit.jobs import no_progress
from edgekit.making import Materials
from edgekit.match import choose_losses
from edgekit.opening import open_project_data, open_project_model
from edgekit.pool import Pool
from edgekit.profile import load_profile
from edgekit.request import settle
from edgekit.trials import Bench

PROJECTS = Path(__file__).resolve().parent / "benchmark_projects"
TRAINED_EPOCHS = 20
SETTINGS = 'model = "model.keras"\ndata = "data.npz"\n[training]\nbatch_size = 64\nlearning_rate = 0.001\n'
WAYS: dict[str, dict[str, Any]] = {"without": {}, "with": {"flip": "horizontal", "shift": 0.1, "colour": 0.1}}
CANDIDATES = (
    ("fine_tuning", {}, "float32"), ("pruning", {"sparsity": 0.75}, "int8"), ("pruning", {"sparsity": 0.9}, "int8"),
)  # fmt: skip


def main() -> None:
    """Train once, make each candidate both ways, print a table; everything else goes to stderr."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder of cifar10_jpeg.tar.gz")
    parser.add_argument("--images", type=int, default=3000, help="training images")
    parser.add_argument("--epochs", type=int, default=8, help="of each fine-tune")
    parser.add_argument(
        "--seed", type=int, action="append", help="of the fine-tunes; several give several tables' rows"
    )
    options = parser.parse_args()
    os.environ["EDGEKIT_BENCHMARK_DATA"] = str(options.data.resolve())
    with tempfile.TemporaryDirectory() as folder:
        os.environ["EDGEKIT_CACHE"] = f"{folder}/cache"
        _trained(Path(folder), options.images)
        (Path(folder) / "edgekit.toml").write_text(f"{SETTINGS}epochs = {options.epochs}\n", encoding="utf-8")
        print("| candidate | seed | without | with augmentation | gained, points |\n|---|---:|---:|---:|---:|")
        for seed in options.seed or [0]:
            found = {way: _accuracies(Path(folder), seed, augment) for way, augment in WAYS.items()}
            for name, plain in found["without"].items():
                varied = found["with"][name]
                print(f"| {name} | {seed} | {plain:.2%} | {varied:.2%} | {100 * (varied - plain):+.2f} |", flush=True)


def _trained(folder: Path, images: int) -> None:
    """The data of the project, a part of the training images, and the network trained on it."""
    sys.path.insert(0, str(PROJECTS))
    import cifar

    data = cifar.arrays()
    picked = np.random.default_rng(0).permutation(len(data["x_train"]))[:images]
    data = {name: array[picked] if name.endswith("_train") else array for name, array in data.items()}
    np.savez(folder / "data.npz", **data)
    cifar.EPOCHS, cifar.arrays = TRAINED_EPOCHS, lambda: data
    print(f"training the network on {images} images", file=sys.stderr, flush=True)
    cifar.trained_model().save(folder / "model.keras")


def _accuracies(folder: Path, seed: int, augment: dict[str, Any]) -> dict[str, float]:
    """The accuracy on the test split of each candidate, and of float32 as it is."""
    settings = settle(None, None, folder, seed=seed, augment=augment)
    with Cache() as cache, cache.scratch() as temporary, Pool(1, temporary=temporary) as pool:
        model = open_project_model(None, settings, cache, pool, trust=False, progress=no_progress)
        dataset = open_project_data(None, settings, model, cache, trust=False, progress=no_progress)
        losses = choose_losses(settings.training.loss, model.facts, dataset)
        materials = Materials(project=settings, model=model, dataset=dataset, losses=losses, cache=cache, pool=pool)
        bench = Bench(materials, load_profile("rpi4"), {})
        baseline = Candidate(steps=(Step(technique="float32"),), name="float32", role="baseline")
        made = [baseline, *(_candidate(*one) for one in CANDIDATES)]
        return {candidate.name: _accuracy(bench, candidate) for candidate in made}


def _candidate(training: str, settings: dict[str, Any], conversion: str) -> Candidate:
    name = f"{training}{''.join(f'_{value:.0%}' for value in settings.values())}+{conversion}"
    return Candidate(steps=(Step(technique=training, settings=settings), Step(technique=conversion)), name=name)


def _accuracy(bench: Bench, candidate: Candidate) -> float:
    done = bench.run(candidate, progress=no_progress)
    if done.tflite is None:
        raise SystemExit(f"{candidate.name} failed: {done.trial.failure}")
    print(candidate.name, *done.training, sep="; ", file=sys.stderr, flush=True)
    measured: Any = bench.measure(Path(done.tflite), "test", progress=no_progress)
    return float(measured.metrics["accuracy"].value)


if __name__ == "__main__":
    main()
