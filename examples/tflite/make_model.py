"""Writes digits.tflite: a float32 file as any converter leaves it, with nothing beside it that could be trained.

    python make_model.py         # needs edgekit-tflite[build]; half a minute

The network is trained in Keras, on the digits of examples/digits.
"""

import os
from pathlib import Path

os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import numpy as np
import tensorflow as tf

HERE = Path(__file__).resolve().parent
DIGITS = HERE.parent / "digits" / "digits.npz"


def network() -> keras.Model:
    """Three convolutions, one of them depthwise, and a dense layer; it takes pixels of 0 to 16."""
    keras.utils.set_random_seed(0)
    layers = keras.layers
    return keras.Sequential([
        keras.Input((8, 8, 1), name="image"),
        layers.Rescaling(1 / 16),
        layers.Conv2D(16, 3, padding="same", activation="relu", name="stem"),
        layers.DepthwiseConv2D(3, padding="same", activation="relu", name="depthwise"),
        layers.Conv2D(32, 1, activation="relu", name="pointwise"),
        layers.MaxPooling2D(),
        layers.Conv2D(32, 3, activation="relu", name="wide"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(10, name="logits"),
    ])  # fmt: skip


def main() -> None:
    with np.load(DIGITS) as data:
        x, y = data["x_train"].astype("float32"), data["y_train"]
    model = network()
    model.compile(keras.optimizers.Adam(3e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(x, y, epochs=30, batch_size=32, verbose=0)
    serve = tf.function(
        lambda image: {"logits": model(image)}, input_signature=[tf.TensorSpec((1, 8, 8, 1), name="image")]
    )
    function, holder = serve.get_concrete_function(), tf.Module()
    holder.variables_of_the_function = function.variables  # so that the converter makes constants of them
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], holder)
    (HERE / "digits.tflite").write_bytes(converter.convert())


if __name__ == "__main__":
    main()
