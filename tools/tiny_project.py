"""A project that builds in seconds and trains: a network of two convolutions, 80 images of four classes."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
PROJECT = """model = "models:plain"
data = "data.npz"
[goal]
max_drop = 100
[training]
epochs = 1
learning_rate = 0.001
[[chain]]
steps = ["pruning", "clustering"]
"""


def write_project(folder: Path, seed: int = 0) -> None:
    """Write the model's function, the data and an `edgekit.toml`, with a chain of its own: so it trains."""
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "tests" / "techniques" / "user" / "models.py", folder)
    np.savez(folder / "data.npz", **images(seed))
    (folder / "edgekit.toml").write_text(PROJECT)


def images(seed: int) -> dict[str, np.ndarray]:
    """Images whose class is a bright row."""
    generator, classes = np.random.default_rng(seed), np.arange(80) % 4
    pixels = generator.random((80, 8, 8, 1), dtype=np.float32) / 2
    pixels[np.arange(80), classes * 2, :, 0] += 0.5
    return {"x_train": pixels[:48], "y_train": classes[:48], "x_test": pixels[48:], "y_test": classes[48:]}
