"""Writes models as TFMOT leaves them when they are saved in the midst of it: `make_wrapped.py FOLDER`, a child process.

Beside each stands `NAME.npz`: inputs `x`, what the wrapped model answers `y`, and its layers' own weights by name.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.update(TF_USE_LEGACY_KERAS="1", CUDA_VISIBLE_DEVICES="-1", TF_CPP_MIN_LOG_LEVEL="3")

import numpy as np
import tensorflow_model_optimization as tfmot
import tf_keras

FOLDER = Path(sys.argv[1])
PRUNE, CLUSTER, QUANTIZE = tfmot.sparsity.keras, tfmot.clustering.keras, tfmot.quantization.keras
X = np.random.default_rng(0).random((12, 8, 8, 1)).astype(np.float32)
Y = np.arange(12) % 3
LOSS = "sparse_categorical_crossentropy"


def network():
    layers = tf_keras.layers
    return tf_keras.Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Conv2D(4, 3, name="conv"),
            layers.BatchNormalization(name="norm"),
            layers.ReLU(name="relu"),
            layers.DepthwiseConv2D(3, name="depth"),
            layers.Flatten(name="flat"),
            layers.Dense(8, activation="relu", name="hidden"),
            layers.Dense(3, activation="softmax", name="head"),
        ]
    )


def trained(model, *callbacks):
    model.compile("adam", LOSS, run_eagerly=True)  # two steps each: to trace them takes longer
    model.fit(X, Y, epochs=2, verbose=0, callbacks=list(callbacks))
    return model


def remember(name, model):
    weights = {}
    for layer in model.layers:
        inner = getattr(layer, "layer", layer)
        for weight in layer.weights:
            weights.setdefault(f"{inner.name}|{weight.name.rpartition('/')[2]}", weight.numpy())
    np.savez(FOLDER / f"{name}.npz", x=X, y=model(X, training=False).numpy(), **weights)


tf_keras.utils.set_random_seed(0)
half = PRUNE.ConstantSparsity(0.5, 0, frequency=1)
inside = tf_keras.Sequential([tf_keras.layers.Input((8, 8, 1)), tf_keras.layers.Conv2D(4, 3, name="deep")])
pruned_inside = PRUNE.prune_low_magnitude(inside, half)
nested = tf_keras.Sequential([tf_keras.layers.Input((8, 8, 1)), pruned_inside, tf_keras.layers.Flatten(name="flat"),
                              tf_keras.layers.Dense(3, activation="softmax", name="head")])  # fmt: skip
few = CLUSTER.CentroidInitialization.KMEANS_PLUS_PLUS
made = {
    "pruned": trained(PRUNE.prune_low_magnitude(network(), half), PRUNE.UpdatePruningStep()),
    "nested": trained(nested, PRUNE.UpdatePruningStep()),
    "clustered": trained(CLUSTER.cluster_weights(network(), number_of_clusters=4, cluster_centroids_init=few)),
    "quantized": trained(QUANTIZE.quantize_model(network())),
}
for name, model in made.items():
    remember(name, model)
    model.save(FOLDER / f"{name}.h5")
    if name != "nested":
        model.save(FOLDER / f"{name}_saved_model", save_format="tf")
        model.save(FOLDER / f"{name}.keras")
annotated = QUANTIZE.quantize_annotate_model(network())
annotated.compile("adam", LOSS)
annotated.save(FOLDER / "annotated.h5")
remember("annotated", annotated)
