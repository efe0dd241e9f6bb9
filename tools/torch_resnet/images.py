"""The child that writes `data.npz`: some of the CIFAR-10 JPEGs learn and choose, and all that neither network saw are the test split.

    python images.py --images 10000 [--quick]

It is run with `benchmark_projects` on PYTHONPATH, in the folder that gets the file. The test has more images than the archive's own, so that its figures move less by chance.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

VALIDATION = 0.1
QUICK_TEST = 400


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, required=True, help="for training and validation")
    parser.add_argument("--quick", action="store_true", help="a few test images")
    given = parser.parse_args()
    import cifar

    data = split(cifar.arrays(), given.images)
    if given.quick:
        data |= {name: data[name][:: len(data[name]) // QUICK_TEST] for name in ("x_test", "y_test")}
    np.savez("data.npz", **data)


def split(data: dict[str, Any], images: int) -> dict[str, Any]:
    """So many images in training and validation, the first of each class alike; the others behind those of the test."""
    found = {name: data[name] for name in ("x_test", "y_test")}
    for part, share in (("val", VALIDATION), ("train", 1 - VALIDATION)):
        x, y = data[f"x_{part}"], data[f"y_{part}"]
        taken = first_of_each(y, round(images * share))
        found |= {f"x_{part}": x[taken], f"y_{part}": y[taken]}
        found |= {f"{name}_test": np.concatenate([found[f"{name}_test"], left[~taken]]) for name, left in (("x", x), ("y", y))}  # fmt: skip
    return found


def first_of_each(classes: Any, count: int) -> Any:
    """Which of the samples are the first `count`, the same number of each class.

    >>> first_of_each(np.array([1, 1, 0, 1, 0, 0]), 4).astype(int)
    array([1, 1, 1, 0, 1, 0])
    """
    names, taken = np.unique(classes), np.zeros(len(classes), bool)
    for name in names:
        taken[np.flatnonzero(classes == name)[: count // len(names)]] = True
    return taken


if __name__ == "__main__":
    main()
