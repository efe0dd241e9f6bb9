"""Accuracy after a fine-tune without and with `[training] augment`, where there are few images: the bundled digits, a part of them.

    python tools/benchmark_augment.py [--images 200] [--seed 0 --seed 1]

The network of `examples/digits` is trained once on so many of the images, as it is there. The same candidates are then made by edgekit's own jobs from
the same weights, without and with augmentation; 200 other images are the validation split, and all the rest are the test.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.devices.profile import load_profile
from edgekit.documents.candidate import Step
from edgekit.findings.settling import settled
from edgekit.ingest.match import choose_losses
from edgekit.ingest.materials import Materials
from edgekit.ingest.opening import open_project_data, open_project_model
from edgekit.jobs.cache import Cache
from edgekit.jobs.pool import Pool
from edgekit.planner.proposal import Proposal
from edgekit.progress import no_progress
from edgekit.project.request import limits_for, settle
from edgekit.search.trials import TrialRunner
from edgekit.techniques.steps import typed

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "digits"
VALIDATION = 200
SETTINGS = 'model = "model.keras"\ndata = "data.npz"\n[training]\n'
WAYS: dict[str, dict[str, Any]] = {"without": {}, "with": {"shift": 0.1, "crop": 0.1, "noise": 0.1}}
CANDIDATES = (
    ("fine_tuning", {}, "float32"), ("pruning", {"sparsity": 0.75}, "int8"), ("pruning", {"sparsity": 0.9}, "int8"),
)  # fmt: skip


def main() -> None:
    """Train once, make each candidate both ways, print a table; everything else goes to stderr."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=200, help="training images")
    parser.add_argument("--epochs", type=int, default=20, help="of each fine-tune")
    parser.add_argument(
        "--seed", type=int, action="append", help="of the fine-tunes; several give several tables' rows"
    )
    options = parser.parse_args()
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
    """The data of the project, a part of the images for training, and the example's network trained on that part."""
    with np.load(EXAMPLE / "digits.npz") as given:
        x, y = (np.concatenate([given[f"{name}_train"], given[f"{name}_test"]]) for name in ("x", "y"))
    order = np.random.default_rng(0).permutation(len(x))
    parts = np.split(order, [images, images + VALIDATION])
    arrays = {
        f"{name}_{split}": array[rows]
        for split, rows in zip(("train", "val", "test"), parts, strict=True)
        for name, array in (("x", x), ("y", y))
    }
    np.savez(folder / "digits.npz", **arrays)
    np.savez(folder / "data.npz", **arrays)
    shutil.copy(EXAMPLE / "digits.py", folder)
    sys.path.insert(0, str(folder))
    import digits

    digits.trained_model().save(folder / "model.keras")


def _accuracies(folder: Path, seed: int, augment: dict[str, Any]) -> dict[str, float]:
    """The accuracy on the test split of each candidate, and of float32 as it is."""
    settings = settle(None, None, folder, seed=seed, augment=augment)
    with Cache() as cache, cache.scratch() as temporary, Pool(1, temporary=temporary) as pool:
        model = open_project_model(None, settings, cache, pool, trust=False, progress=no_progress)
        dataset = open_project_data(None, settings, model, cache, trust=False, progress=no_progress)
        found = settled(settings, model.facts, dataset, cache)
        losses = choose_losses(settings.training.loss, model.facts, dataset, found.tasks)
        materials = Materials(
            project=found.project, model=model, dataset=dataset, losses=losses, tasks=found.tasks, cache=cache, pool=pool
        )  # fmt: skip
        profile = load_profile("rpi4")
        runner = TrialRunner(materials, profile, limits_for(profile, found.project))
        baseline = Proposal(steps=(typed(Step(technique="float32")),), name="float32", role="baseline")
        made = [baseline, *(_candidate(*one) for one in CANDIDATES)]
        return {candidate.name: _accuracy(runner, candidate) for candidate in made}


def _candidate(training: str, settings: dict[str, Any], conversion: str) -> Proposal:
    name = f"{training}{''.join(f'_{value:.0%}' for value in settings.values())}+{conversion}"
    steps = Step(technique=training, settings=settings), Step(technique=conversion)
    return Proposal(steps=tuple(map(typed, steps)), name=name)


def _accuracy(runner: TrialRunner, candidate: Proposal) -> float:
    done = runner.run(candidate, progress=no_progress)
    if done.tflite is None:
        raise SystemExit(f"{candidate.name} failed: {done.trial.failure}")
    print(candidate.name, *done.training, sep="; ", file=sys.stderr, flush=True)
    measured: Any = runner.measure(Path(done.tflite), "test", progress=no_progress)
    return float(measured.metrics["accuracy"].value)


if __name__ == "__main__":
    main()
