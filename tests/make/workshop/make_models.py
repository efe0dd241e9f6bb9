"""Writes every model that the tests of the workshop load, with inputs and the outputs of the Keras that made it.

Run as a child process of its own (`make_models.py FOLDER`): it has both Keras versions, the tests have none. Beside
`NAME.keras`, `NAME.h5` or the folder `NAME` stands `NAME.npz` with `x_0, ...` and `y_0, ...`.
"""

from __future__ import annotations

import json
import os
import sys
import zipfile
from pathlib import Path

os.environ.update(
    TF_USE_LEGACY_KERAS="1", KERAS_BACKEND="tensorflow", CUDA_VISIBLE_DEVICES="-1", TF_CPP_MIN_LOG_LEVEL="3"
)

import keras
import numpy as np
import tensorflow as tf
import tf_keras

FOLDER = Path(sys.argv[1])
sys.path.insert(0, str(Path(__file__).parent / "user"))
SAMPLES = 3


def main() -> None:
    keras.utils.set_random_seed(0)
    tf_keras.utils.set_random_seed(0)
    models = {**keras3_models(), **tf_keras_models()}
    for name, model in models.items():
        randomize(model)
        remember(name, model)
        save(name, model)
    hostile_files(models)


def save(name: str, model) -> None:
    if name.endswith("_saved_model"):
        model.save(FOLDER / name, save_format="tf")
    elif name.endswith("_h5"):
        model.save(FOLDER / f"{name}.h5")
    else:
        model.save(FOLDER / f"{name}.keras")


def randomize(model) -> None:
    """Weights that are neither zero nor one: a bias or a moving mean that was forgotten must show."""
    generator = np.random.default_rng(0)
    model.set_weights(
        [
            generator.uniform(0.1, 0.5, w.shape).astype(w.dtype) if w.dtype.kind == "f" else w
            for w in model.get_weights()
        ]
    )


def remember(name: str, model) -> None:
    generator = np.random.default_rng(1)
    inputs = [sample(generator, tensor) for tensor in model.inputs]
    outputs = model(inputs if len(inputs) > 1 else inputs[0], training=False)
    outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
    arrays = {f"x_{index}": array for index, array in enumerate(inputs)}
    arrays |= {f"y_{index}": np.asarray(array) for index, array in enumerate(outputs)}
    np.savez(FOLDER / f"{name}.npz", **arrays)


def sample(generator: np.random.Generator, tensor) -> np.ndarray:
    shape = (SAMPLES, *tensor.shape[1:])
    dtype = getattr(tensor.dtype, "name", tensor.dtype)
    if "int" in dtype:
        return generator.integers(1, 9, shape).astype(dtype)
    return generator.uniform(-2, 2, shape).astype(dtype)


def classifier(api):
    """The same small network in either Keras, compiled with a loss that must be found again."""
    layers = api.layers
    model = api.Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Conv2D(4, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile(loss=api.losses.SparseCategoricalCrossentropy(from_logits=False))
    return model


def nested(api):
    """A Sequential inside a Functional inside a Functional, called twice: its layers are shared."""
    layers = api.layers
    inner = api.Sequential([layers.Input((8, 8, 2)), layers.Conv2D(3, 3, activation="relu", name="conv")], name="inner")
    middle_input = layers.Input((8, 8, 2))
    middle = api.Model(middle_input, layers.GlobalAveragePooling2D()(inner(middle_input)), name="middle")
    left, right = layers.Input((8, 8, 2), name="left"), layers.Input((8, 8, 2), name="right")
    joined = layers.Concatenate()([middle(left), middle(right)])
    return api.Model([left, right], layers.Dense(3, name="head")(joined))


def several(api):
    """Two inputs of one shape and two outputs of one shape: their order must survive."""
    layers = api.layers
    b, a = layers.Input((4,), name="b"), layers.Input((4,), name="a")
    z = layers.Dense(3, name="z")(layers.Concatenate()([b, layers.Rescaling(3.0, offset=1.0)(a)]))
    y = layers.Dense(3, activation="tanh", name="y")(a)
    return api.Model([b, a], [z, y])


def keras3_models() -> dict:
    layers, ops = keras.layers, keras.ops
    models = {
        "keras3": classifier(keras),
        "keras3_h5": classifier(keras),
        "keras3_nested": nested(keras),
        "keras3_several": several(keras),
    }
    x = image = layers.Input((8, 8, 3))
    for name in ("hard_silu", "silu", "relu6", "leaky_relu"):
        x = layers.Conv2D(4, 3, padding="same", use_bias=False, activation=name)(x)
        x = layers.BatchNormalization()(x)
        x = layers.Activation(name)(x)
    gate = layers.GlobalAveragePooling2D(keepdims=True)(layers.ReLU(6.0)(x))
    gate = layers.Conv2D(4, 1, activation="hard_sigmoid")(gate)
    x = layers.Multiply()([x, gate])
    x = layers.LeakyReLU(negative_slope=0.3)(layers.DepthwiseConv2D(3)(x))
    x = layers.SeparableConv2D(4, 3)(layers.ZeroPadding2D(1)(x))
    x = layers.PReLU()(layers.UpSampling2D()(x))
    models["keras3_mobile"] = keras.Model(image, layers.Dense(3, activation="hard_sigmoid")(layers.Flatten()(x)))

    sequence = layers.Input((6, 4))
    x = layers.Bidirectional(layers.GRU(3, return_sequences=True, dropout=0.1), merge_mode="sum")(sequence)
    x = layers.GRU(5, return_sequences=True, recurrent_activation="hard_sigmoid")(x)
    x = layers.TimeDistributed(layers.Dense(4, activation="silu"))(x)
    x = layers.Bidirectional(layers.LSTM(3))(x)
    models["keras3_recurrent"] = keras.Model(sequence, layers.Dense(2)(x))
    models["keras3_gru"] = keras.Sequential([layers.Input((6, 4)), layers.GRU(5), layers.Dense(2)])

    sequence = layers.Input((6, 8))
    x = layers.MultiHeadAttention(2, 4)(sequence, sequence)
    x = layers.LayerNormalization()(layers.Add()([sequence, layers.Dropout(0.1)(x)]))
    models["keras3_attention"] = keras.Model(sequence, layers.Dense(2)(layers.GlobalAveragePooling1D()(x)))

    left, right = layers.Input((4,)), layers.Input((4,))
    x = (left + right) * 2 - left / 3.0
    x = ops.relu(x) + 1.0 - right
    x = ops.concatenate([x, ops.maximum(left, right)], axis=-1)
    x = ops.reshape(x, (-1, 2, 4))
    models["keras3_ops"] = keras.Model([left, right], ops.mean(x, axis=1) * ops.sigmoid(x[:, 0]))

    tokens = layers.Input((6,), dtype="int32")
    x = layers.LSTM(4)(layers.Embedding(10, 5, mask_zero=True)(tokens))
    models["keras3_tokens"] = keras.Model(tokens, layers.Dense(2)(x))

    augmented = keras.Sequential([layers.Input((8, 8, 3)), layers.RandomFlip(), layers.RandomRotation(0.1)])
    normal = layers.Normalization(mean=[0.1, 0.2, 0.3], variance=[1.0, 2.0, 3.0])
    models["keras3_augmented"] = keras.Sequential(
        [
            layers.Input((8, 8, 3)),
            augmented,
            layers.Rescaling(0.5),
            normal,
            layers.Conv2D(2, 3),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )
    import twins

    models["keras3_twin"] = keras.Sequential([layers.Input((4,)), twins.Scale3(), layers.Dense(2)])
    import twinless

    models["keras3_twinless"] = keras.Sequential([layers.Input((4,)), twinless.Lonely(name="alone"), layers.Dense(2)])
    models["keras3_lambda"] = keras.Sequential([layers.Input((4,)), layers.Lambda(lambda x: x * 2.0), layers.Dense(2)])
    return models


def tf_keras_models() -> dict:
    layers = tf_keras.layers
    models = {
        "tf_keras": classifier(tf_keras),
        "tf_keras_h5": classifier(tf_keras),
        "tf_keras_saved_model": classifier(tf_keras),
        "tf_keras_nested_h5": nested(tf_keras),
        "tf_keras_several_saved_model": several(tf_keras),
    }
    left, right = layers.Input((4,)), layers.Input((4,))
    x = tf.nn.relu((left + right) * 2.0 - left)[:, :3]
    models["tf_keras_ops_h5"] = tf_keras.Model([left, right], tf.concat([x, right], axis=-1))
    sequence = layers.Input((6, 4))
    x = layers.Bidirectional(layers.LSTM(3, return_sequences=True))(sequence)
    models["tf_keras_recurrent_h5"] = tf_keras.Model(sequence, layers.LSTM(3)(x))
    import tf_custom

    models["tf_keras_custom_h5"] = tf_keras.Sequential([layers.Input((4,)), tf_custom.Doubled(), layers.Dense(2)])
    for kind in ("h5", "saved_model"):
        models[f"tf_keras_lambda_{kind}"] = tf_keras.Sequential(
            [layers.Input((4,)), layers.Lambda(lambda x: x * 2.0), layers.Dense(2)]
        )
    models["tf_keras_lambda"] = tf_keras.Sequential(
        [layers.Input((4,)), layers.Lambda(lambda x: x * 2.0), layers.Dense(2)]
    )
    return models


def hostile_files(models: dict) -> None:
    """Files that must be refused, each with its own message."""
    whole = (FOLDER / "keras3.keras").read_bytes()
    (FOLDER / "truncated.keras").write_bytes(whole[: len(whole) // 2])
    whole = (FOLDER / "tf_keras_h5.h5").read_bytes()
    (FOLDER / "truncated.h5").write_bytes(whole[: len(whole) // 2])
    with zipfile.ZipFile(FOLDER / "archive.keras", "w") as archive:
        archive.writestr("readme.txt", "no model")
    with zipfile.ZipFile(FOLDER / "broken_json.keras", "w") as archive:
        archive.writestr("config.json", "{")
        archive.writestr("metadata.json", "{}")
    with zipfile.ZipFile(FOLDER / "list_json.keras", "w") as archive:
        archive.writestr("config.json", "[]")
        archive.writestr("metadata.json", "[]")
    (FOLDER / "text.keras").write_text("no model at all")
    (FOLDER / "empty_folder").mkdir()
    (FOLDER / "broken_saved_model").mkdir()
    (FOLDER / "broken_saved_model" / "saved_model.pb").write_bytes(b"\xff\x00nonsense")
    models["keras3"].save_weights(FOLDER / "weights_alone.weights.h5")
    models["tf_keras"].save_weights(FOLDER / "weights_alone.h5")
    tf.saved_model.save(tf.Module(), FOLDER / "plain_saved_model")

    for api, name in ((keras, "keras3_nan.keras"), (tf_keras, "tf_keras_nan.h5")):
        model = classifier(api)
        weights = model.get_weights()
        weights[0][0, 0, 0, 0] = np.nan
        model.set_weights(weights)
        model.save(FOLDER / name)

    write_file_call()


def write_file_call() -> None:
    """An .h5 whose configuration calls tf.io.write_file when the model is built: arithmetic turned into an attack."""
    import h5py

    left = tf_keras.layers.Input((4,))
    model = tf_keras.Model(left, tf.math.multiply(left, 2.0))
    model.save(FOLDER / "writes_file.h5")
    with h5py.File(FOLDER / "writes_file.h5", "r+") as file:
        config = json.loads(file.attrs["model_config"])
        call = next(layer for layer in config["config"]["layers"] if layer["class_name"] == "TFOpLambda")
        call["config"]["function"] = "io.write_file"
        file.attrs["model_config"] = json.dumps(config)


if __name__ == "__main__":
    main()
