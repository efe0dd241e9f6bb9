"""The child that trains the network in Keras, in a folder that has `data.npz`, with `benchmark_projects` on PYTHONPATH.

    python train_keras.py --out FOLDER --epochs 10 --seed 0

It writes `initial.npz` and `weights.npz`, the weights before and after by their names in PyTorch's module, `model.keras`, and `training.json`.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from pathlib import Path
from typing import Any

import cifar
import keras
import numpy as np
import recipe

WEIGHTS = {
    "Conv2D": ("convolution", ("kernel", "bias")),
    "BatchNormalization": ("normalization", ("gamma", "beta", "moving_mean", "moving_variance")),
    "Dense": ("dense", ("kernel", "bias")),
}
"""The name of each kind of layer in the files, and of its weights in the order in which Keras gives them."""


def main() -> None:
    """Train, and write the files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    given = parser.parse_args()
    keras.utils.set_random_seed(given.seed)
    model = cifar.network()
    np.savez(given.out / "initial.npz", **weights_of(model))
    with np.load("data.npz") as data:
        x, y = data["x_train"], data["y_train"]
    began = time.monotonic()
    told = trained(model, x, y, given.epochs, given.seed)
    told["seconds"] = round(time.monotonic() - began, 1)
    np.savez(given.out / "weights.npz", **weights_of(model))
    (given.out / "training.json").write_text(json.dumps(told), encoding="utf-8")
    model.save(given.out / "model.keras")


def trained(model: Any, x: Any, y: Any, epochs: int, seed: int) -> dict[str, Any]:
    """Train the model; returns the mean loss of each epoch."""
    schedule = keras.optimizers.schedules.CosineDecay(recipe.RATE, recipe.steps_of(len(x), epochs))
    adam = keras.optimizers.Adam(schedule, epsilon=recipe.EPSILON_OF_ADAM)
    model.compile(adam, "sparse_categorical_crossentropy", jit_compile=False)  # XLA would take longer on a CPU
    losses = []
    for images, classes in recipe.epochs_of(x, y, epochs=epochs, seed=seed):
        history = model.fit(images, classes, batch_size=recipe.BATCH, shuffle=False, verbose=0).history
        losses.append(float(history["loss"][0]))
    return {"losses": losses}


def weights_of(model: Any) -> dict[str, Any]:
    """The weights by kind of layer, the place among the layers of its kind in the order in which they were made, and name: `convolution_0.kernel`."""
    found = {}
    for kind, (title, names) in WEIGHTS.items():
        layers = sorted((one for one in model.layers if type(one).__name__ == kind), key=_number)
        for index, layer in enumerate(layers):
            found |= {f"{title}_{index}.{name}": array for name, array in zip(names, layer.get_weights(), strict=True)}
    return found


def _number(layer: Any) -> int:
    """When a layer was made, by the number that Keras put behind its name; the first has none."""
    number = re.search(r"_(\d+)$", layer.name)
    return int(number[1]) if number else 0


if __name__ == "__main__":
    main()
