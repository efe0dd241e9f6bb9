"""MNIST with the small network of TFMOT's pruning guide: convolution 12 x 3x3, max-pool, dense 10; trained 4 epochs.

The folder with `mnist.npz` (x_train, y_train, x_test, y_test; uint8) is named by EDGEKIT_BENCHMARK_DATA.
"""

import os
from pathlib import Path

import keras
import numpy as np

EPOCHS = 4


def arrays():
    """Pixels from 0 to 1, as the guide feeds them; the tenth of the training images that the guide validates with."""
    with np.load(Path(os.environ["EDGEKIT_BENCHMARK_DATA"]) / "mnist.npz") as data:
        pixels = {split: data[f"x_{split}"].astype(np.float32) / 255 for split in ("train", "test")}
        labels = {split: data[f"y_{split}"] for split in ("train", "test")}
    order = np.random.default_rng(0).permutation(len(labels["train"]))  # the file is sorted by class
    parts = {"train": order[:-6000], "val": order[-6000:]}
    found = {"x_test": pixels["test"], "y_test": labels["test"]}
    for split, rows in parts.items():
        found |= {f"x_{split}": pixels["train"][rows], f"y_{split}": labels["train"][rows]}
    return found


def network():
    """The guide's model."""
    return keras.Sequential(
        [
            keras.Input((28, 28)),
            keras.layers.Reshape((28, 28, 1)),
            keras.layers.Conv2D(12, 3, activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Flatten(),
            keras.layers.Dense(10),
        ]
    )


def trained_model():
    """The guide's training and its length."""
    keras.utils.set_random_seed(0)
    model = network()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss)
    data = arrays()
    model.fit(data["x_train"], data["y_train"], epochs=EPOCHS, verbose=0)
    return model
