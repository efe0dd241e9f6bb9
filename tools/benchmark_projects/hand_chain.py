"""The chain that a user of TFMOT writes by hand on the MNIST network: prune 50%, 16 clusters, quantization-aware training.

It follows TFMOT's guide of sparsity- and cluster-preserving quantization-aware training: two epochs of pruning, one of
clustering, one of training with rounding, by constants. It prints JSON: raw and deflated bytes, and the accuracy on test
that LiteRT gives, of the float32 file and of the chain's. Run in a process of its own: TFMOT wants tf_keras from the start.
"""

import json
import os
import zlib

os.environ["TF_USE_LEGACY_KERAS"] = "1"

import mnist
import tensorflow as tf
import tensorflow_model_optimization as tfmot
import tf_keras
from ai_edge_litert.interpreter import Interpreter
from tensorflow_model_optimization.python.core.clustering.keras.experimental import cluster
from tensorflow_model_optimization.python.core.quantization.keras.collab_opts.cluster_preserve import (
    default_8bit_cluster_preserve_quantize_scheme as scheme,
)

LOSS = tf_keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def network():
    """The network of `mnist.trained_model`, in tf_keras."""
    layers = tf_keras.layers
    return tf_keras.Sequential(
        [
            layers.InputLayer((28, 28)),
            layers.Reshape((28, 28, 1)),
            layers.Conv2D(12, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(10),
        ]
    )


def fit(model, x, y, epochs, rate, callbacks=()):
    """Train in place with Adam."""
    model.compile(tf_keras.optimizers.Adam(rate), LOSS)
    model.fit(x, y, batch_size=32, epochs=epochs, callbacks=list(callbacks), verbose=0)
    return model


def chain(model, x, y):
    """Pruned, clustered with the zeros kept, and trained with rounding with both kept."""
    steps = 2 * -(-len(x) // 32)
    schedule = tfmot.sparsity.keras.PolynomialDecay(0.0, 0.5, begin_step=0, end_step=steps)
    model = tfmot.sparsity.keras.prune_low_magnitude(model, pruning_schedule=schedule)
    model = fit(model, x, y, 2, 1e-3, [tfmot.sparsity.keras.UpdatePruningStep()])
    model = tfmot.sparsity.keras.strip_pruning(model)
    start = tfmot.clustering.keras.CentroidInitialization.KMEANS_PLUS_PLUS
    model = cluster.cluster_weights(
        model, number_of_clusters=16, cluster_centroids_init=start, preserve_sparsity=True
    )  # fmt: skip
    model = tfmot.clustering.keras.strip_clustering(fit(model, x, y, 1, 1e-4))
    annotated = tfmot.quantization.keras.quantize_annotate_model(model)
    preserving = scheme.Default8BitClusterPreserveQuantizeScheme(preserve_sparsity=True)
    return fit(tfmot.quantization.keras.quantize_apply(annotated, preserving), x, y, 1, 1e-4)


def convert(model, *, optimized):
    """A `.tflite` of the model."""
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT] if optimized else []
    return converter.convert()


def accuracy(content, x, y):
    """The share of right answers that LiteRT gives."""
    interpreter = Interpreter(model_content=content)
    taken, given = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    interpreter.resize_tensor_input(taken, x.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(taken, x)
    interpreter.invoke()
    return float((interpreter.get_tensor(given).argmax(axis=1) == y).mean())


def main():
    """Train, chain, convert, judge."""
    tf_keras.utils.set_random_seed(0)
    data = mnist.arrays()
    x, y = data["x_train"], data["y_train"]
    model = fit(network(), x, y, 4, 1e-3)
    files = {"float32": convert(model, optimized=False), "chain": convert(chain(model, x, y), optimized=True)}
    found = {
        name: {
            "raw": len(content), "deflated": len(zlib.compress(content, 9)),
            "accuracy": accuracy(content, data["x_test"], data["y_test"]),
        }
        for name, content in files.items()
    }  # fmt: skip
    print(json.dumps(found))


if __name__ == "__main__":
    main()
