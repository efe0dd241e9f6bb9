"""What each technique saves alone, the chain that edgekit's search chooses, and recipes written by hand for TFMOT: tables of docs/benchmarks.md.

    python tools/benchmark_smaller.py --data FOLDER --work FOLDER [--only mnist] [--row pruning] [--seeds 3] [--table] [--quick]

FOLDER holds `mnist.npz`, `cifar10_jpeg.tar.gz`, `kws01.npz` and `mlperf_tiny/kws_ref_model/`; a task whose data is missing is left out, with the reason. A row is
made through `edgekit.build` on a folder with an `edgekit.toml`: its settings are chosen on the validation split for the fewest bytes at no more than half a point lost, and
its figures are those of the test split. Each row goes into `results.json` of the work folder, and is not made again; trained networks and edgekit's cache are kept there too.
`--table` writes what is there into docs/benchmarks.md. ResNet-8 takes some minutes of training on two cores: how many seconds is said after its second epoch.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from smaller.building import again, alone, best, plans
from smaller.by_hand import RECIPES, by_hand
from smaller.marked import put
from smaller.results import Figures, Results
from smaller.settings import CONVERTED, NARROWED, TRAINED
from smaller.table import HAND, SEED, tables
from smaller.tasks import DEVICES, LINUX, TASKS, Prepared, prepared

from edgekit.documents.candidate import Plan, Step
from edgekit.errors import EdgekitError
from edgekit.values import read

ROWS = (*CONVERTED, *TRAINED, NARROWED, "best", "seeds", *(f"{HAND}{recipe}" for recipe in RECIPES))
MICRO_ONLY = ("int8_coded",)


def main() -> None:
    """Make the rows that are asked for and not there yet; print or write the tables."""
    options = _options()
    work = (options.work / "quick" if options.quick else options.work).resolve()
    work.mkdir(parents=True, exist_ok=True)
    os.environ["EDGEKIT_BENCHMARK_DATA"] = str(options.data.resolve())
    os.environ["EDGEKIT_BENCHMARK_IMAGES"] = str(200 if options.quick else options.images)
    os.environ["EDGEKIT_CACHE"] = str(work / "cache")
    results, parts = Results(work / "results.json"), []
    if options.retry:
        results.forget_failures()
    for name in options.only or TASKS:
        task = TASKS[name]
        missing = task.missing(options.data)
        if missing:
            parts.append(f"### {task.title}\n\nNot run: {missing} was not there.")
            continue
        if not options.only_table:
            _Run(
                prepared(task, options.data.resolve(), work, quick=options.quick, epochs=options.epochs),
                results,
                options,
            ).rows()
        parts.append(tables(task, {device: results.rows(name, device) for device in DEVICES}))
    text = "\n\n".join(parts)
    print(text)
    if options.table or options.only_table:
        put("smaller", text)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the data sets")
    parser.add_argument("--work", type=Path, required=True, help="where networks, the cache and the results are kept")
    parser.add_argument("--only", choices=TASKS, action="append")
    parser.add_argument("--device", choices=DEVICES, action="append")
    parser.add_argument("--row", choices=ROWS, action="append")
    parser.add_argument("--seeds", type=int, default=1, help="of the chosen chain (1)")
    parser.add_argument("--time-budget", default="30min", help="of each search for the best chain (30min)")
    parser.add_argument("--epochs", type=int, help="of each stage of a fine-tune, in the place of the task's own")
    parser.add_argument("--images", type=int, default=10_000, help="of CIFAR-10, for training and validation (10,000)")
    parser.add_argument("--retry", action="store_true", help="make again what failed")
    parser.add_argument("--quick", action="store_true", help="a few samples and one epoch: whether it runs, no figures")
    parser.add_argument("--table", action="store_true", help="write the tables into docs/benchmarks.md")
    parser.add_argument("--only-table", action="store_true", help="the same, of what was made before")
    options = parser.parse_args()
    if options.quick and (options.table or options.only_table):
        parser.error("--quick gives no figures for the page")
    return options


class _Run:
    """The rows of one task."""

    def __init__(self, made: Prepared, results: Results, options: argparse.Namespace) -> None:
        self._made, self._results, self._options = made, results, options
        self._devices = options.device or DEVICES
        self._plans: dict[str, list[Plan]] = {}

    def rows(self) -> None:
        """Make each row on each device."""
        asked = self._options.row or ROWS
        for name in asked:
            if name.startswith(HAND):
                self._by_hand(name)
            for device in self._devices if not name.startswith(HAND) else ():
                if name == "seeds":
                    self._seeds(device)
                elif not (name in MICRO_ONLY and device == LINUX):
                    self._row(name, device)

    def _row(self, name: str, device: str) -> None:
        if self._results.get(self._made.task.name, device, name) is not None:
            return
        began = time.monotonic()
        try:
            if name == "best":
                found = {name: best(self._made, device, self._options.time_budget)}
            else:
                if device not in self._plans:
                    self._plans[device] = plans(self._made, device)
                found = alone(self._made, name, device, self._plans[device])
        except EdgekitError as problem:
            found = {name: {"failed": str(problem)}}
        for row, figures in found.items():
            self._keep(device, row, figures, began)

    def _seeds(self, device: str) -> None:
        """The chosen chain with each seed; with the first it is the row that was chosen."""
        chosen = self._results.get(self._made.task.name, device, "best")
        if chosen is None or "steps" not in chosen or self._options.seeds < 2:
            return
        steps = tuple(read(step, Step, where="results.json") for step in chosen["steps"])
        for seed in range(self._options.seeds):
            name = f"{SEED}{seed}"
            if self._results.get(self._made.task.name, device, name) is None:
                began = time.monotonic()
                self._keep(device, name, chosen if seed == 0 else again(self._made, device, steps, seed), began)

    def _by_hand(self, name: str) -> None:
        missing = [one for one in self._devices if self._results.get(self._made.task.name, one, name) is None]
        if not missing:
            return
        began = time.monotonic()
        found = by_hand(self._made, name.removeprefix(HAND))
        for device in missing:
            self._keep(device, name, found[device], began)

    def _keep(self, device: str, name: str, figures: Figures, began: float) -> None:
        self._results.put(self._made.task.name, device, name, figures)
        told = (
            figures.get("failed")
            or figures.get("skipped")
            or f"{figures.get('flash')} B, {figures.get('drop')} points lost"
        )
        print(
            f"{self._made.task.name}, {device}, {name}: {told} ({time.monotonic() - began:.0f} s)",
            file=sys.stderr,
            flush=True,
        )


if __name__ == "__main__":
    main()
