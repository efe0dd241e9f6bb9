"""MNIST with the small network of TFMOT's pruning guide: convolution 12 x 3x3, max-pool, dense 10; trained 4 epochs.

The folder with `mnist.npz` (x_train, y_train, x_test, y_test; uint8) is named by EDGEKIT_BENCHMARK_DATA.
"""

import os
from pathlib import Path

import keras
import numpy as np


def arrays():
    """Pixels from 0 to 1, as the guide feeds them."""
    with np.load(Path(os.environ["EDGEKIT_BENCHMARK_DATA"]) / "mnist.npz") as data:
        pixels = {name: data[name].astype(np.float32) / 255 for name in ("x_train", "x_test")}
        return {**pixels, "y_train": data["y_train"], "y_test": data["y_test"]}


def trained_model():
    """The guide's model, its training and its length."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((28, 28)),
            keras.layers.Reshape((28, 28, 1)),
            keras.layers.Conv2D(12, 3, activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Flatten(),
            keras.layers.Dense(10),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss)
    data = arrays()
    order = np.random.default_rng(0).permutation(len(data["x_train"]))  # the file is sorted by class
    model.fit(data["x_train"][order], data["y_train"][order], epochs=4, validation_split=0.1, verbose=0)
    return model
