"""Make the golden files of tests/golden: the same small network in every form that edgekit reads.

It needs TensorFlow, tf-keras and tensorflow-model-optimization (`pip install -e .[build]`); the tests that read
the files do not. The arithmetic of the network, which the tests spell out, is in `network`.

    python tools/make_golden.py [--out FOLDER] [NAME ...]
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
import tensorflow_model_optimization as tfmot
import tf_keras as keras

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "golden"
SEED = 7
SAMPLES = 32
SPARSITY = 0.75
CLUSTERS = 4
MAX_BYTES = 10_000

layers = keras.layers


def network(filters: int = 4, units: int = 8) -> Any:
    """8x8x1 -> 4 filters of 3x3 (6x6x4) -> depthwise 3x3 -> dense 8 -> dense 3, softmax."""
    rest = {"bias_initializer": "random_normal"}  # the converter would drop or share biases of zero
    return keras.Sequential(
        [
            layers.Input((8, 8, 1), name="image"),
            layers.Conv2D(filters, 3, activation="relu", name="convolution", **rest),
            layers.DepthwiseConv2D(3, padding="same", activation="relu", name="depthwise", **rest),
            layers.Flatten(name="flat"),
            layers.Dense(units, activation="relu", name="hidden", **rest),
            layers.Dense(3, activation="softmax", name="classes", **rest),
        ],
        name="golden",
    )


def images() -> Any:
    """Random images from 0 to 1."""
    return np.random.default_rng(SEED).random((SAMPLES, 8, 8, 1), np.float32)


def trained(model: Any, callbacks: tuple[Any, ...] = ()) -> Any:
    """The model after four steps on random labels: enough for wrappers to do their work."""
    labels = np.arange(SAMPLES) % 3
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(images(), labels, batch_size=8, epochs=1, shuffle=False, verbose=0, callbacks=list(callbacks))
    return model


def converter(model: Any) -> Any:
    """A converter of a model, with no optimization."""
    return tf.lite.TFLiteConverter.from_keras_model(model)


def quantized(model: Any, *operators: Any, io: Any = None) -> bytes:
    """A model converted with calibration, to the operator sets given."""
    made = converter(model)
    made.optimizations = [tf.lite.Optimize.DEFAULT]
    made.representative_dataset = samples
    if operators:
        made.target_spec.supported_ops = list(operators)
    if io is not None:
        made.inference_input_type = made.inference_output_type = io
    return bytes(made.convert())


def samples() -> Iterator[list[Any]]:
    """The calibration data."""
    for image in images():
        yield [image[None]]


def float32() -> bytes:
    """The plain conversion."""
    return bytes(converter(network()).convert())


def float16() -> bytes:
    """Weights stored as float16."""
    made = converter(network())
    made.optimizations = [tf.lite.Optimize.DEFAULT]
    made.target_spec.supported_types = [tf.float16]
    return bytes(made.convert())


def dynamic_range() -> bytes:
    """Weights of 1,024 elements or more stored as int8; activations are float32."""
    made = converter(network())
    made.optimizations = [tf.lite.Optimize.DEFAULT]
    return bytes(made.convert())


def int8() -> bytes:
    """Full integer with int8 input and output."""
    return quantized(network(), tf.lite.OpsSet.TFLITE_BUILTINS_INT8, io=tf.int8)


def int8_per_tensor() -> bytes:
    """Full integer with int8 input and output, one scale for each kernel."""
    made = converter(network())
    made.optimizations = [tf.lite.Optimize.DEFAULT]
    made.representative_dataset = samples
    made.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    made.inference_input_type = made.inference_output_type = tf.int8
    made._experimental_disable_per_channel = True
    made._experimental_disable_per_channel_quantization_for_dense_layers = True
    return bytes(made.convert())


def int8_float_io() -> bytes:
    """Full integer inside, float32 input and output."""
    return quantized(network(), tf.lite.OpsSet.TFLITE_BUILTINS_INT8)


def int8_float_fallback() -> bytes:
    """An operator without an integer kernel (the cosine) left in float."""
    image = layers.Input((8, 8, 1), name="image")
    hidden = layers.Conv2D(4, 3, activation="relu", name="convolution")(image)
    waves = layers.Lambda(tf.math.cos, name="cosine")(hidden)
    out = layers.Dense(3, name="classes")(layers.Flatten(name="flat")(waves))
    return quantized(keras.Model(image, out, name="golden"))


def int8_mixed() -> bytes:
    """int8 with the convolution's kernel left in float."""
    from tensorflow.lite.python.convert import mlir_quantize

    from edgekit.tflite.reader import parse_tflite

    made = converter(network())
    made.optimizations = [tf.lite.Optimize.DEFAULT]
    made.representative_dataset = samples
    made._experimental_calibrate_only = True
    calibrated = bytes(made.convert())
    model = parse_tflite(calibrated, where="the calibrated model")
    (first,) = (one for one in model.operators if one.name == "CONV_2D")
    return bytes(mlir_quantize(calibrated, denylisted_nodes=[model.tensors[first.outputs[0]].name]))


def int16x8() -> bytes:
    """int16 activations, int8 weights."""
    kind = tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
    return quantized(network(), kind, io=tf.int16)


def pruned() -> Any:
    """The network with three quarters of its kernels' weights at zero."""
    sparsity = tfmot.sparsity.keras
    schedule = sparsity.ConstantSparsity(SPARSITY, begin_step=0, frequency=1)
    model = sparsity.prune_low_magnitude(network(), pruning_schedule=schedule)
    return sparsity.strip_pruning(trained(model, (sparsity.UpdatePruningStep(),)))


def pruned_int8() -> bytes:
    """Pruned, then full integer."""
    return quantized(pruned(), tf.lite.OpsSet.TFLITE_BUILTINS_INT8, io=tf.int8)


def pruned_sparse_encoding() -> bytes:
    """Pruned, its large kernel stored in TFLite's sparse encoding."""
    made = converter(pruned())
    made.optimizations = [tf.lite.Optimize.EXPERIMENTAL_SPARSITY]
    return bytes(made.convert())


def narrowed() -> Any:
    """The network with half of its filters and three quarters of its units: those of the largest norm."""
    model, smaller = network(), network(filters=2, units=6)
    first, depthwise, hidden, classes = (
        [weight.numpy() for weight in model.get_layer(name).weights]
        for name in ("convolution", "depthwise", "hidden", "classes")
    )
    filters = np.sort(np.argsort(-np.linalg.norm(first[0].reshape(-1, 4), axis=0))[:2])
    units = np.sort(np.argsort(-np.linalg.norm(hidden[0], axis=0))[:6])
    rows = hidden[0].reshape(-1, 4, 8)[:, filters].reshape(-1, 8)
    smaller.get_layer("convolution").set_weights([first[0][..., filters], first[1][filters]])
    smaller.get_layer("depthwise").set_weights([depthwise[0][:, :, filters], depthwise[1][filters]])
    smaller.get_layer("hidden").set_weights([rows[:, units], hidden[1][units]])
    smaller.get_layer("classes").set_weights([classes[0][units], classes[1]])
    return smaller


def narrowed_int8() -> bytes:
    """With fewer channels, full integer."""
    return quantized(narrowed(), tf.lite.OpsSet.TFLITE_BUILTINS_INT8, io=tf.int8)


def clustered() -> Any:
    """The network with four distinct values in every kernel that TFMOT clusters (not the depthwise one)."""
    clustering = tfmot.clustering.keras
    start = clustering.CentroidInitialization.KMEANS_PLUS_PLUS
    model = clustering.cluster_weights(network(), number_of_clusters=CLUSTERS, cluster_centroids_init=start)
    return clustering.strip_clustering(trained(model))


def clustered_float32() -> bytes:
    """Clustered, converted as it is."""
    return bytes(converter(clustered()).convert())


def clustered_int8() -> bytes:
    """Clustered, then full integer with a scale per channel."""
    return quantized(clustered(), tf.lite.OpsSet.TFLITE_BUILTINS_INT8, io=tf.int8)


def low_rank_int8() -> bytes:
    """The dense layer of 144 to 8 as two of rank 2, then full integer."""
    from edgekit.techniques.factors import pair

    whole = network()
    image = layers.Input((8, 8, 1), name="image")
    flat = whole.get_layer("flat")(whole.get_layer("depthwise")(whole.get_layer("convolution")(image)))
    first = layers.Dense(2, use_bias=False, name="hidden_low_rank")
    second = layers.Dense(8, activation="relu", name="hidden")
    model = keras.Model(image, whole.get_layer("classes")(second(first(flat))), name="golden")
    kernel, bias = whole.get_layer("hidden").get_weights()
    factors = pair.factors(pair.spectrum(kernel[None, None]), 2)
    first.set_weights([factors[0][0, 0]])
    second.set_weights([factors[1][0, 0], bias])
    return quantized(model, tf.lite.OpsSet.TFLITE_BUILTINS_INT8, io=tf.int8)


def quantization_aware_int8() -> bytes:
    """Trained with fake quantization; the scales come from the training."""
    made = converter(trained(tfmot.quantization.keras.quantize_model(network())))
    made.optimizations = [tf.lite.Optimize.DEFAULT]
    made.inference_input_type = made.inference_output_type = tf.int8
    return bytes(made.convert())


def lookup_tables_int8() -> bytes:
    """The large kernel of the golden `clustered_int8` in look-up tables, one a channel."""
    from tflite_micro.tensorflow.lite.micro.compression import SpecBuilder, compress, spec

    made = SpecBuilder().add_tensor(subgraph=0, tensor=5).with_lut(index_bitwidth=2, mode=spec.PerChannel(axis=0))
    return bytes(compress((FOLDER / "clustered_int8.tflite").read_bytes(), made.build()))


def coded_int8() -> bytes:
    """The large kernel of the golden `pruned_int8` as a bit a weight and its values."""
    from edgekit.tflite.coding.choose import coded_kernels
    from edgekit.tflite.coding.insert import with_decoders
    from edgekit.tflite.reader import parse_tflite

    plain = (FOLDER / "pruned_int8.tflite").read_bytes()
    made = with_decoders(plain, coded_kernels(parse_tflite(plain, where="pruned_int8")), where="pruned_int8")
    assert made is not None
    return made


def sparse_int8() -> bytes:
    """The large dense kernel of the golden `pruned_int8` in the sparse encoding, its layer a convolution."""
    from edgekit.tflite.densify import with_sparse_kernels

    made = with_sparse_kernels((FOLDER / "pruned_int8.tflite").read_bytes(), where="pruned_int8")
    assert made is not None
    return made


def lstm() -> bytes:
    """A fused LSTM of 5 steps of 2 numbers to 4 units, batch 1: it carries state and cannot be resized."""
    model = keras.Sequential(
        [
            layers.Input((5, 2), batch_size=1, name="series"),
            layers.LSTM(4, name="memory"),
            layers.Dense(2, name="next"),
        ],
        name="golden",
    )
    return bytes(converter(model).convert())


def two_inputs() -> bytes:
    """Two inputs and two outputs, one of them a matrix product of activations."""
    left = layers.Input((3, 4), name="left")
    right = layers.Input((4, 2), name="right")
    product = layers.Dot((2, 1), name="product")([left, right])
    total = layers.Dense(1, name="total")(layers.Flatten(name="flat")(product))
    return bytes(converter(keras.Model([left, right], [product, total], name="golden")).convert())


def upsampled() -> bytes:
    """A transposed convolution: 4x4x2 to 8x8x3 with a 2x2 kernel."""
    model = keras.Sequential(
        [layers.Input((4, 4, 2), name="small"), layers.Conv2DTranspose(3, 2, strides=2, name="upsampled")],
        name="golden",
    )
    return bytes(converter(model).convert())


def loop() -> bytes:
    """A WHILE operator, whose condition and body are subgraphs of their own and whose turns depend on its values."""

    def grow(start: Any) -> Any:
        weight = tf.constant(np.eye(4, dtype=np.float32) * 0.5)
        return tf.while_loop(lambda x: tf.reduce_sum(x) > 1.0, lambda x: (tf.matmul(x, weight),), (start,))[0]

    signature = [tf.TensorSpec((1, 4), tf.float32, name="start")]
    return bytes(tf.lite.TFLiteConverter.from_concrete_functions(
        [tf.function(grow, input_signature=signature).get_concrete_function()]
    ).convert())  # fmt: skip


def recurrent_loop() -> bytes:
    """A GRU of 5 steps of 2 numbers to 4 units: a WHILE that counts to 5."""
    model = keras.Sequential(
        [layers.Input((5, 2), batch_size=1, name="series"), layers.GRU(4, name="memory"), layers.Dense(2, name="next")],
        name="golden",
    )
    return bytes(converter(model).convert())


GOLDEN: tuple[Callable[[], bytes], ...] = (
    float32, float16, dynamic_range, int8, int8_per_tensor, int8_float_io, int8_float_fallback, int8_mixed, int16x8,
    pruned_int8, pruned_sparse_encoding, narrowed_int8, clustered_float32, clustered_int8, lookup_tables_int8, coded_int8, sparse_int8,
    low_rank_int8, quantization_aware_int8, lstm, two_inputs, upsampled, loop, recurrent_loop,
)  # fmt: skip


def main() -> None:
    """Make the files named, or all of them."""
    parser = argparse.ArgumentParser(description="Make the golden .tflite files of the tests.")
    parser.add_argument("names", nargs="*", choices=[[], *(make.__name__ for make in GOLDEN)], metavar="NAME")
    parser.add_argument("--out", type=Path, default=FOLDER)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    for make in GOLDEN:
        if given.names and make.__name__ not in given.names:
            continue
        keras.backend.clear_session()
        keras.utils.set_random_seed(SEED)
        content = make()
        if len(content) > MAX_BYTES:
            raise SystemExit(f"{make.__name__}: {len(content)} bytes, more than the {MAX_BYTES} a golden file may have")
        (given.out / f"{make.__name__}.tflite").write_bytes(content)
        print(f"{make.__name__}.tflite: {len(content)} bytes")


if __name__ == "__main__":
    main()
