"""The keyword spotter of MLPerf Tiny, post-training only: its 1,000 published test samples, split for this purpose.

There is no training set beside the model. Half of the samples serve as test; of the other half some calibrate and
some select, so the accuracies are those of 500 samples and not comparable with published ones.
"""

import os
from pathlib import Path

import numpy as np


def arrays():
    """The samples, stratified by class with a fixed seed."""
    with np.load(Path(os.environ["EDGEKIT_BENCHMARK_DATA"]) / "kws01.npz") as data:
        x, y = data["x_test"], data["y_test"]
    order = np.random.default_rng(0).permutation(len(x))
    rank = np.zeros(len(x), dtype=int)
    for label in np.unique(y):
        members = order[y[order] == label]
        rank[members] = np.arange(len(members))
    test = rank % 2 == 1
    return {"x_train": x[~test], "y_train": y[~test], "x_test": x[test], "y_test": y[test]}
