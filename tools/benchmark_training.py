"""The wall time of a fine-tune through edgekit over that of the same model's `fit` by hand: a table of docs/benchmarks.md.

    python tools/benchmark_training.py --data FOLDER --work FOLDER [--only mnist] [--pairs 5] [--epochs 2] [--table]

FOLDER holds `mnist.npz` and `cifar10_jpeg.tar.gz`; a network whose data is missing is left out. A pair is the job `train` in a warm worker,
as its caller waits for it (the model read, traced, trained, judged after each epoch, its evidence taken, stored), and `compile` and `fit` of Keras 3
with `validation_data` in another warm process. Both have the same weights to begin with, data, batch size, epochs and Adam at a fixed first rate; starts of
processes and the spooling of the data come before. The two take turns, and each turn begins with the other one.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from benchmark_engines import NETWORKS, Network, Side, prepared
from smaller.marked import put

from edgekit.jobs.cache import Cache
from edgekit.jobs.pool import ENVIRONMENT, Pool
from edgekit.jobs.worker import Done, Worker
from edgekit.make.workshop.training_batches import JUDGED

ALLOWED = 1.15
"""What a fine-tune through edgekit may take of the time by hand."""
WAYS = ("by hand", "edgekit", "distilled")
"""`distilled` is edgekit with the float model's outputs as a second target, as a build trains; by hand has none."""
NAMES = ("mnist", "resnet8")
BATCH, RATE = {"mnist": 32, "resnet8": 64}, 1e-3
HEADS = (
    "network", "samples, batch, epochs", "by hand, s", "edgekit, s", "edgekit / by hand, median of pairs", "lowest to highest",
    "distilled / by hand", f"at most {ALLOWED}",
)  # fmt: skip


def main() -> None:
    """Take the pairs, print the table; everything else goes to stderr."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder of mnist.npz and cifar10_jpeg.tar.gz")
    parser.add_argument("--work", type=Path, required=True, help="where trained networks are kept")
    parser.add_argument("--only", choices=NAMES, action="append")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=2, help="of each training (2)")
    parser.add_argument("--images", type=int, default=10_000, help="of CIFAR-10, for training and validation")
    parser.add_argument("--table", action="store_true", help="write the table into docs/benchmarks.md")
    options = parser.parse_args()
    os.environ["EDGEKIT_BENCHMARK_DATA"] = str(options.data.resolve())
    os.environ["EDGEKIT_BENCHMARK_IMAGES"] = str(options.images)
    os.environ["EDGEKIT_CACHE"] = str(options.work.resolve() / "cache")
    rows = [_row(name, options) for name in options.only or NAMES]
    text = "\n".join([f"| {' | '.join(HEADS)} |", "|---" * 2 + "|---:" * (len(HEADS) - 2) + "|", *rows])
    print(text)
    if options.table:
        put("training", text)


def _row(name: str, options: argparse.Namespace) -> str:
    network = NETWORKS[name]
    if not (options.data / network.needs).is_file():
        return f"| {network.title} | not run: {network.needs} was not there |" + " |" * (len(HEADS) - 2)
    project = prepared(network, options.work.resolve() / name)
    training = {"epochs": options.epochs, "learning_rate": RATE, "batch_size": BATCH[name]}
    return row(network, *taken(project, training, options.pairs), training)


def taken(project: Path, training: dict[str, Any], pairs: int) -> tuple[list[dict[str, float]], int]:
    """The seconds of each way in each turn, and the number of training samples; a turn that is not counted comes first."""
    with (
        Cache() as cache, cache.scratch() as temporary, Pool(1, temporary=temporary) as pool,
        Worker("fit_by_hand", environment={**ENVIRONMENT, "TF_USE_LEGACY_KERAS": "0"}) as hand,
    ):  # fmt: skip
        side = Side.opened(project, training, cache, pool)
        arrays = temporary / "arrays.npz"
        samples = _written(side, arrays)
        runs = {
            "by hand": lambda: _by_hand(side, hand, project / "model.keras", arrays),
            "edgekit": lambda: _edgekit(side, distilled=False),
            "distilled": lambda: _edgekit(side, distilled=True),
        }
        turns = []
        for turn in range(pairs + 1):
            order = WAYS if turn % 2 else WAYS[::-1]
            turns.append({way: runs[way]() for way in order})
            print(f"{project.name}, turn {turn}: {turns[-1]}", file=sys.stderr, flush=True)
    return turns[1:], samples


def _written(side: Side, path: Path) -> int:
    """Write the arrays that both train and are judged on for the way by hand; returns the number of training samples."""
    found: dict[str, np.ndarray] = {}
    for split in ("train", "validation"):
        rows = side.dataset.rows(split)[: JUDGED if split == "validation" else None]
        (x,), (y,) = side.dataset.inputs(split), side.dataset.targets(split)
        found |= {f"x_{split}": np.asarray(x[rows], np.float32), f"y_{split}": np.asarray(y[rows])}
    np.savez(path, **found)
    return len(found["x_train"])


def _edgekit(side: Side, *, distilled: bool) -> float:
    """The seconds that the caller of the job `train` waits."""
    given = side.data()
    if not distilled:
        del given["teacher"]
    started = time.monotonic()
    _, answer = side.job(
        "fine-tuned", 0, do="train", model=side.model.folder, steps=[{"technique": "fine_tuning"}], **given
    )
    seconds = time.monotonic() - started
    epochs = side.training["epochs"]
    if f" {epochs} epochs (of {epochs})" not in answer["training"]:
        raise SystemExit(f"{side.folder.name}: not the whole training: {answer['training']}")
    return seconds


def _by_hand(side: Side, hand: Worker, model: Path, arrays: Path) -> float:
    """The seconds of `compile` and `fit`."""
    job = {"do": "fit", "model": str(model), "arrays": str(arrays), "loss": side.losses[0], "seed": 0}
    answer = hand.run(job | {name: side.training[name] for name in ("epochs", "batch_size", "learning_rate")})
    if not isinstance(answer, Done):
        raise SystemExit(f"{side.folder.name}: by hand: {answer.reason}\n{answer.detail}")
    return float(answer.value["seconds"])


def row(network: Network, turns: list[dict[str, float]], samples: int, training: dict[str, Any]) -> str:
    """A network's row of the table."""
    middle = {way: statistics.median(turn[way] for turn in turns) for way in WAYS}
    ratios = {way: [turn[way] / turn["by hand"] for turn in turns] for way in WAYS[1:]}
    ratio = statistics.median(ratios["edgekit"])
    cells = [
        network.title, f"{samples:,}, {training['batch_size']}, {training['epochs']}", f"{middle['by hand']:.1f}",
        f"{middle['edgekit']:.1f}", f"{ratio:.2f}", f"{min(ratios['edgekit']):.2f} to {max(ratios['edgekit']):.2f}",
        f"{statistics.median(ratios['distilled']):.2f}", "yes" if ratio <= ALLOWED else "no",
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
