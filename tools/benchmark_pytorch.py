"""ResNet-8 trained in PyTorch beside the same network trained in Keras, each built by edgekit: a table of docs/benchmarks.md.

    python tools/benchmark_pytorch.py --data FOLDER --work FOLDER [--torch-python PYTHON] [--seeds 3] [--table] [--quick]

FOLDER holds `cifar10_jpeg.tar.gz`. Both trainings of a seed have one recipe (`tools/torch_resnet/recipe.py`): the same weights to begin with, batches, Adam, learning rate and
penalty. PYTHON has what EDGEKIT_TORCH_PYTHON needs (docs/pytorch.md), and is taken from there if it is not given. The trained networks go through `edgekit.build` as `model.keras` and
`model.pt2`; besides, the weights that Keras trained are put into PyTorch's module. Each figure goes into `results.json` of the work folder, and is not made again.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from smaller.marked import put
from smaller.results import Figures, Results
from smaller.tasks import LINUX
from torch_resnet.building import CARRIED, CHAINS, KERAS, TORCH, Place
from torch_resnet.table import SIDES, TRAINING, row, table

from edgekit.errors import EdgekitError
from edgekit.machine.torch_python import VARIABLE

ARCHIVE = "cifar10_jpeg.tar.gz"
CARRIED_SEED = 0
QUICK = {"seeds": 1, "epochs": 1, "images": 400}


def main() -> None:
    """Make the figures that are not there yet; print or write the table."""
    options = _options()
    work = (options.work / "quick" if options.quick else options.work).resolve()
    (work / "project").mkdir(parents=True, exist_ok=True)
    os.environ["EDGEKIT_BENCHMARK_DATA"] = str(options.data.resolve())
    os.environ["EDGEKIT_CACHE"] = str(work / "cache")
    os.environ[VARIABLE] = options.torch_python
    results = Results(work / "results.json")
    results.forget_failures()
    if not options.only_table:
        require_alike(results, {"epochs": options.epochs, "images": options.images})
        place = Place(
            folder=work / "project",
            torch_python=options.torch_python,
            epochs=options.epochs,
            quick=options.quick,
        )
        place.make_images(options.images)
        for chain in CHAINS:
            for seed in range(options.seeds):
                for side in (KERAS, TORCH, *([CARRIED] if seed == CARRIED_SEED else [])):
                    make(place, results, side, seed, chain)
    text = table({side: results.rows(side, LINUX) for side in SIDES})
    print(text)
    if options.table or options.only_table:
        put("pytorch", text)


def require_alike(results: Results, settings: Figures) -> None:
    """End the tool if the work folder has figures of other settings."""
    name = "settings"
    found = results.get(name, LINUX, name)
    if found not in (None, settings):
        raise SystemExit(f"the work folder has figures of {found}, and not of {settings}: name another one with --work")
    results.put(name, LINUX, name, settings)


def make(place: Place, results: Results, side: str, seed: int, chain: str) -> None:
    """Train a network and build its file, whatever of it is not there yet."""
    name = row(TRAINING, seed)
    if results.get(side, LINUX, name) is None:
        keep(results, side, name, place.trained(side, seed))
    name = row(chain, seed)
    if results.get(side, LINUX, name) is None:
        try:
            found = place.built(side, chain, seed)
        except EdgekitError as problem:
            found = {"failed": str(problem)}
        keep(results, side, name, found)


def keep(results: Results, side: str, name: str, found: Figures) -> None:
    """Keep a cell, and tell it."""
    results.put(side, LINUX, name, found)
    told = {key: found[key] for key in ("failed", "score", "drop", "flash", "losses", "seconds") if key in found}
    print(f"{time.strftime('%H:%M:%S')} {side}, {name}: {told}", file=sys.stderr, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help=f"the folder of {ARCHIVE}")
    parser.add_argument("--work", type=Path, required=True, help="where networks, the cache and the results are kept")
    python = os.environ.get(VARIABLE, sys.executable)
    parser.add_argument("--torch-python", default=python, help=f"the Python that has PyTorch ({VARIABLE}, or this one)")
    parser.add_argument("--seeds", type=int, default=3, help="trainings of each (3)")
    parser.add_argument("--epochs", type=int, default=5, help="of each training (5)")
    parser.add_argument("--images", type=int, default=10_000, help="for training and validation (10,000); others test")
    parser.add_argument("--quick", action="store_true", help="few images and one epoch: whether it runs, no figures")
    parser.add_argument("--table", action="store_true", help="write the table into docs/benchmarks.md")
    parser.add_argument("--only-table", action="store_true", help="the same, of what was made before")
    options = parser.parse_args()
    options.torch_python = str(Path(options.torch_python).absolute())
    if options.quick and (options.table or options.only_table):
        parser.error("--quick gives no figures for the page")
    if not (options.data / ARCHIVE).is_file():
        parser.error(f"{options.data} has no {ARCHIVE}")
    if options.quick:
        vars(options).update(QUICK)
    return options


if __name__ == "__main__":
    main()
