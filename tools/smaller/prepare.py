"""The child of `benchmark_smaller.py` that makes a task's data and its trained float model, in the folder that it is run in.

    python prepare.py MODULE [--quick]

MODULE is one of `benchmark_projects`. It writes `data.npz`, and for a module that trains a network `model.keras` and `weights.npz`.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

QUICK_SAMPLES = {"train": 400, "val": 200, "test": 200}


def main() -> None:
    """Write the files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("module")
    parser.add_argument("--quick", action="store_true", help="few samples and one epoch")
    given = parser.parse_args()
    sys.path.insert(0, str(Path.cwd()))
    module = importlib.import_module(given.module)
    data = module.arrays()
    if given.quick:
        data = _few(data)
    np.savez("data.npz", **data)
    if not hasattr(module, "trained_model"):
        return
    vars(module)["arrays"] = lambda: data  # what it trains on is what was written
    if given.quick:
        vars(module)["EPOCHS"] = 1
    print(f"{given.module}: training the network for {vars(module)['EPOCHS']} epochs", file=sys.stderr, flush=True)
    began = time.monotonic()
    model = module.trained_model()
    print(f"{given.module}: trained in {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    np.savez("weights.npz", *model.get_weights())
    model.save("model.keras")


def _few(data: dict[str, Any]) -> dict[str, Any]:
    """Some samples of each split, the same of inputs and targets."""
    found = {}
    for name, array in data.items():
        order = np.random.default_rng(0).permutation(len(array))
        found[name] = array[order[: QUICK_SAMPLES[name.partition("_")[2]]]]
    return found


if __name__ == "__main__":
    main()
