"""Recipes that users of TFMOT write by hand, one a call: pruning, clustering, training with rounding, and the two that TFMOT has to join them.

Run in the folder of a task of `benchmark_smaller.py`, in a process of its own, since TFMOT wants tf_keras from the start:

    python hand_recipes.py RECIPE --network cifar:network | --saved FOLDER  --loss LOSS --epochs 4 --batch-size 32 --out FOLDER

`data.npz` holds the arrays, `weights.npz` the float model's weights in the order of `get_weights`. It writes `float32.tflite`, `float_ends.tflite` and `int8_ends.tflite`
(int8 with float32, and with int8 inputs and outputs). What TFMOT's guides leave to the author is chosen here once for all: each stage has the length that edgekit's
stages have, pruning Adam's own rate and the end of its schedule at half of the steps, clustering and rounding a tenth of that rate.
"""

import argparse
import importlib
import os
import sys
from pathlib import Path

os.environ["TF_USE_LEGACY_KERAS"] = "1"

import numpy as np
import tensorflow as tf
import tensorflow_model_optimization as tfmot
import tf_keras
from tensorflow_model_optimization.python.core.clustering.keras.experimental import cluster
from tensorflow_model_optimization.python.core.quantization.keras.collab_opts.cluster_preserve import (
    default_8bit_cluster_preserve_quantize_scheme as cluster_scheme,
)
from tensorflow_model_optimization.python.core.quantization.keras.collab_opts.prune_preserve import (
    default_8bit_prune_preserve_quantize_scheme as prune_scheme,
)

PRUNING_RATE, GENTLE_RATE = 1e-3, 1e-4
CALIBRATION = 200
EVERY = 10
"""Steps between two looks at which weights are the smallest."""
RECIPES = {
    "pruning_50": ["prune:0.5"],
    "pruning_75": ["prune:0.75"],
    "clustering_32": ["cluster:32"],
    "clustering_16": ["cluster:16"],
    "qat": ["round"],
    "pqat_50": ["prune:0.5", "round"],
    "cqat_16": ["cluster:16", "round"],
}


def float_model(given):
    """The network in tf_keras with the float model's weights."""
    if given.saved:
        return tf_keras.models.load_model(given.saved, compile=False)
    sys.modules["keras"] = tf_keras  # the module builds its network with whatever Keras this is
    module, function = given.network.split(":")
    model = getattr(importlib.import_module(module), function)()
    with np.load("weights.npz") as weights:
        model.set_weights([weights[f"arr_{number}"] for number in range(len(weights.files))])
    return model


def stage(model, step, data, given, before):
    """The model after one step of a recipe."""
    kind, _, value = step.partition(":")
    if kind == "prune":
        return pruned(model, float(value), data, given)
    if kind == "cluster":
        return clustered(model, int(value), data, given)
    return rounded(model, data, given, before)


def pruned(model, share, data, given):
    """Zeros rise to their share over the first half of the training."""
    end = given.epochs * -(-len(data["x_train"]) // given.batch_size) // 2
    schedule = tfmot.sparsity.keras.PolynomialDecay(0.0, share, begin_step=0, end_step=max(1, end), frequency=EVERY)
    model = tfmot.sparsity.keras.prune_low_magnitude(model, pruning_schedule=schedule)
    fit(model, data, given, PRUNING_RATE, [tfmot.sparsity.keras.UpdatePruningStep()])
    return tfmot.sparsity.keras.strip_pruning(model)


def clustered(model, count, data, given):
    """Each kernel has so many values."""
    start = tfmot.clustering.keras.CentroidInitialization.KMEANS_PLUS_PLUS
    model = cluster.cluster_weights(model, number_of_clusters=count, cluster_centroids_init=start)
    fit(model, data, given, GENTLE_RATE)
    return tfmot.clustering.keras.strip_clustering(model)


def rounded(model, data, given, before):
    """Training with rounding, which keeps the zeros or the clusters of the step before it."""
    annotated = tfmot.quantization.keras.quantize_annotate_model(model)
    scheme = None
    if before.startswith("prune"):
        scheme = prune_scheme.Default8BitPrunePreserveQuantizeScheme()
    if before.startswith("cluster"):
        scheme = cluster_scheme.Default8BitClusterPreserveQuantizeScheme()
    model = tfmot.quantization.keras.quantize_apply(annotated, *([scheme] if scheme else []))
    return fit(model, data, given, GENTLE_RATE)


def fit(model, data, given, rate, callbacks=()):
    """Train in place with Adam."""
    sparse = tf_keras.losses.SparseCategoricalCrossentropy
    losses = {"logits": sparse(from_logits=True), "classes": sparse(), "mse": "mse"}
    model.compile(tf_keras.optimizers.Adam(rate), losses[given.loss])
    model.fit(
        data["x_train"], data["y_train"], batch_size=given.batch_size, epochs=given.epochs, callbacks=list(callbacks), verbose=0
    )  # fmt: skip
    return model


def converted(model, data, ends=None):
    """A `.tflite` of the model: float32, or int8 throughout with inputs and outputs of a dtype."""
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if ends is not None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        rows = np.random.default_rng(0).permutation(len(data["x_train"]))[:CALIBRATION]
        converter.representative_dataset = lambda: ([data["x_train"][row : row + 1].astype(np.float32)] for row in rows)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = ends
    return converter.convert()


def main():
    """Train by one recipe and write its files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", choices=RECIPES)
    parser.add_argument("--network")
    parser.add_argument("--saved")
    parser.add_argument("--loss", choices=("logits", "classes", "mse"), required=True)
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--batch-size", type=int, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    tf_keras.utils.set_random_seed(given.seed)
    with np.load("data.npz") as arrays:
        data = {name: arrays[name] for name in ("x_train", "y_train")}
    model, before = float_model(given), ""
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "float32.tflite").write_bytes(converted(model, data))
    for step in RECIPES[given.recipe]:
        model, before = stage(model, step, data, given, before), step
    (given.out / "float_ends.tflite").write_bytes(converted(model, data, tf.float32))
    (given.out / "int8_ends.tflite").write_bytes(converted(model, data, tf.int8))


if __name__ == "__main__":
    main()
