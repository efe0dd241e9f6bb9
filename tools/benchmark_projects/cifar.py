"""CIFAR-10 (20,000 images for training and validation, as JPEG) with the residual network of MLPerf Tiny, trained from scratch.

The folder with `cifar10_jpeg.tar.gz` (train/CLASS/*.jpg and test/CLASS/*.jpg) is named by EDGEKIT_BENCHMARK_DATA. EDGEKIT_BENCHMARK_IMAGES
takes so many of the training images, the first of each class alike.
"""

import io
import os
import sys
import tarfile
import time
from pathlib import Path

import keras
import numpy as np
from PIL import Image
from shifted import mirrored_and_shifted

EPOCHS = 24
HELD_OUT = 10
"""Every tenth training image is the validation split, which the model is not trained on."""


def arrays():
    """Pixels from 0 to 1, and the classes in the order of their names; a validation split of its own."""
    found = {"train": [], "test": []}
    with tarfile.open(Path(os.environ["EDGEKIT_BENCHMARK_DATA"]) / "cifar10_jpeg.tar.gz") as archive:
        for member in archive:
            parts = Path(member.name).parts
            if member.isfile() and parts[-1].endswith(".jpg"):
                pixels = np.asarray(Image.open(io.BytesIO(archive.extractfile(member).read())), np.float32) / 255
                found[parts[-3]].append((member.name, parts[-2], pixels))
    names = sorted({name for _, name, _ in found["train"]})
    data = {}
    for split, images in found.items():
        images.sort(key=lambda image: image[0])
        if split == "train":
            images = _first_of_each(images, int(os.environ.get("EDGEKIT_BENCHMARK_IMAGES", len(images))))
        data[f"x_{split}"] = np.stack([pixels for _, _, pixels in images])
        data[f"y_{split}"] = np.array([names.index(name) for _, name, _ in images])
    held_out = np.arange(len(data["y_train"])) % HELD_OUT == 0
    for name in ("x", "y"):
        data[f"{name}_val"], data[f"{name}_train"] = data[f"{name}_train"][held_out], data[f"{name}_train"][~held_out]
    return data


def _first_of_each(images, count):
    """So many images, the first of each class alike, in their order."""
    names = sorted({name for _, name, _ in images})
    firsts = [[image for image in images if image[1] == name][: count // len(names)] for name in names]
    return sorted((image for first in firsts for image in first), key=lambda image: image[0])


def network():
    """Three stages of one residual block each, of 16, 32 and 64 filters: 78 thousand weights, 12.5 million MACs."""
    inputs = keras.Input((32, 32, 3))
    x = _convolution(inputs, 16, 3, 1, "relu")
    for filters, stride in ((16, 1), (32, 2), (64, 2)):
        y = _convolution(x, filters, 3, stride, "relu")
        y = _convolution(y, filters, 3, 1, None)
        x = keras.layers.Conv2D(filters, 1, stride, padding="same")(x) if stride > 1 else x
        x = keras.layers.ReLU()(keras.layers.Add()([x, y]))
    x = keras.layers.Flatten()(keras.layers.AveragePooling2D(8)(x))
    return keras.Model(inputs, keras.layers.Dense(10, activation="softmax")(x))


def _convolution(x, filters, size, stride, activation):
    x = keras.layers.Conv2D(filters, size, stride, padding="same", kernel_regularizer=keras.regularizers.L2(1e-4))(x)
    x = keras.layers.BatchNormalization()(x)
    return keras.layers.ReLU()(x) if activation else x


def trained_model(make=network):
    """Adam with a falling learning rate; images are mirrored and shifted by up to four pixels."""
    keras.utils.set_random_seed(0)
    model, data, generator = make(), arrays(), np.random.default_rng(0)
    x, y, batch = data["x_train"], data["y_train"], 64
    steps = len(x) // batch
    model.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(2e-3, EPOCHS * steps)),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    for epoch in range(EPOCHS):
        began = time.monotonic()
        order = generator.permutation(len(x))[: steps * batch]
        model.fit(mirrored_and_shifted(x[order], generator), y[order], batch_size=batch, verbose=0)
        if epoch == 1:  # the first one also compiles
            left = (EPOCHS - 2) * (time.monotonic() - began)
            print(f"training: about {left:.0f} s more for {EPOCHS - 2} epochs", file=sys.stderr, flush=True)
    return model
