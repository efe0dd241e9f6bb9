"""The digits example: a small convolutional network, trained here in some seconds, for pixels from 0 to 16."""

from pathlib import Path

import keras
import numpy as np


def trained_model() -> keras.Model:
    """A Keras 3 model; scaling the pixels is its first layer, so that a device feeds them as they are."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Rescaling(1 / 16),
            keras.layers.Conv2D(16, 3, padding="same", activation="relu"),
            keras.layers.Conv2D(32, 3, padding="same", use_bias=False),
            keras.layers.BatchNormalization(),
            keras.layers.ReLU(),
            keras.layers.MaxPooling2D(),
            keras.layers.Flatten(),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    with np.load(Path(__file__).with_name("digits.npz")) as data:
        x, y = data["x_train"].astype("float32"), data["y_train"]
    model.compile(keras.optimizers.Adam(2e-3), "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=20, batch_size=32, verbose=0)
    return model
