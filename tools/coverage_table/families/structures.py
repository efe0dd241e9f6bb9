"""What a graph may look like: several inputs and outputs, gates and inverted arithmetic, shared and nested layers, free sizes."""

from __future__ import annotations

from typing import Any

from coverage_table.families.head import head
from coverage_table.rows import Row


def by_list(keras: Any) -> Any:
    """Two inputs and two outputs in lists."""
    layers = keras.layers
    image, extra = keras.Input((12, 12, 3), name="image"), keras.Input((6,), name="extra")
    x = layers.Flatten()(layers.Conv2D(16, 3, strides=2, activation="relu")(image))
    x = layers.Dense(24, activation="relu")(layers.Concatenate()([x, extra]))
    return keras.Model([image, extra], [layers.Dense(4, name="kind")(x), layers.Dense(1, name="amount")(x)])


def by_dict(keras: Any) -> Any:
    """Inputs and outputs in dicts whose names do not sort in the order of the graph."""
    layers = keras.layers
    first, second = keras.Input((16,), name="zeta"), keras.Input((16,), name="alpha")
    x = layers.Dense(24, activation="relu")(layers.Concatenate()([first, second]))
    kind = layers.Dense(3, activation="softmax", name="z_kind")(x)
    amount = layers.Dense(1, name="a_amount")(layers.Subtract()([first, second]))
    return keras.Model({"zeta": first, "alpha": second}, {"z_kind": kind, "a_amount": amount})


def gated(keras: Any) -> Any:
    """A gate and its inverse: g * x + (1 - g) * y."""
    layers = keras.layers
    entry = keras.Input((24,), name="features")
    gate = layers.Dense(16, activation="sigmoid")(entry)
    x = gate * layers.Dense(16)(entry) + (1.0 - gate) * layers.Dense(16, activation="tanh")(entry)
    return keras.Model(entry, head(keras, x))


def python_arithmetic(keras: Any) -> Any:
    """Python's operators on tensors."""
    layers = keras.layers
    entry = keras.Input((16,), name="features")
    x = 1.0 - layers.Dense(32)(entry)
    x = abs(2 * x / 3 - 0.5)[:, :16]
    return keras.Model(entry, head(keras, -x))


def squeeze_and_excite(keras: Any) -> Any:
    """Channels weighed by a gate that is computed from their means."""
    layers = keras.layers
    entry = keras.Input((12, 12, 3), name="image")
    x = layers.Conv2D(16, 3, activation="relu")(entry)
    gate = layers.Dense(16, activation="sigmoid")(
        layers.Dense(8, activation="relu")(layers.GlobalAveragePooling2D()(x))
    )
    x = layers.Multiply()([x, layers.Reshape((1, 1, 16))(gate)])
    return keras.Model(entry, head(keras, layers.GlobalMaxPooling2D()(x)))


def shared(keras: Any) -> Any:
    """One dense layer used twice: a siamese pair."""
    layers = keras.layers
    one, other = keras.Input((24,), name="one"), keras.Input((24,), name="other")
    embed = layers.Dense(16, activation="relu", name="embed")
    return keras.Model([one, other], layers.Dense(1)(layers.Subtract()([embed(one), embed(other)])))


def nested_twice(keras: Any) -> Any:
    """A model in a model in a model; the one between is used twice."""
    layers = keras.layers
    inner = keras.Sequential([keras.Input((16,)), layers.Dense(16, activation="relu"), layers.Dense(16)], name="inner")
    given = keras.Input((16,))
    outer = keras.Model(given, layers.Add()([given, inner(given)]), name="outer")
    entry = keras.Input((16,), name="features")
    return keras.Model(entry, head(keras, outer(outer(entry))))


def over_time(keras: Any) -> Any:
    """TimeDistributed over a model, then an LSTM."""
    layers = keras.layers
    frame = keras.Sequential(
        [keras.Input((12, 12, 1)), layers.Conv2D(8, 3, activation="relu"), layers.GlobalAveragePooling2D()]
    )
    entry = keras.Input((4, 12, 12, 1), name="frames")
    return keras.Model(entry, head(keras, layers.LSTM(8)(layers.TimeDistributed(frame)(entry))))


def over_time_dense(keras: Any) -> Any:
    """TimeDistributed over a dense layer."""
    layers = keras.layers
    entry = keras.Input((8, 16), name="steps")
    x = layers.TimeDistributed(layers.Dense(24, activation="relu"))(entry)
    return keras.Model(entry, layers.TimeDistributed(layers.Dense(4, activation="softmax"))(x))


def free_size(keras: Any) -> Any:
    """Height and width are those of the data."""
    layers = keras.layers
    entry = keras.Input((None, None, 3), name="image")
    x = layers.Conv2D(16, 3, activation="relu")(layers.Conv2D(8, 3, activation="relu")(entry))
    return keras.Model(entry, head(keras, layers.GlobalAveragePooling2D()(x)))


def scaling_inside(keras: Any) -> Any:
    """Pixels scaled in the model, and augmentation that only training has."""
    layers = keras.layers
    x = entry = keras.Input((16, 16, 3), name="image")
    x = layers.RandomContrast(0.1)(layers.RandomFlip("horizontal")(layers.Rescaling(1 / 127.5, offset=-1)(x)))
    x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(16, 3, strides=2)(x)))
    return keras.Model(entry, layers.Dense(4, activation="softmax")(layers.Flatten()(x)))


def bytes_inside(keras: Any) -> Any:
    """The same with an input of bytes."""
    layers = keras.layers
    entry = keras.Input((16, 16, 3), dtype="uint8", name="image")
    x = layers.Conv2D(16, 3, strides=2, activation="relu")(layers.Rescaling(1 / 255)(entry))
    return keras.Model(entry, layers.Dense(4, activation="softmax")(layers.Flatten()(x)))


def half_precision(keras: Any) -> Any:
    """Made under the policy mixed_float16, with a head in float32."""
    layers, policy = keras.layers, "mixed_float16"
    entry = keras.Input((12, 12, 3), name="image")
    x = layers.Conv2D(16, 3, activation="relu", dtype=policy)(entry)
    x = layers.Dense(16, activation="relu", dtype=policy)(layers.Flatten(dtype=policy)(x))
    return keras.Model(entry, layers.Dense(4, dtype="float32")(x))


def odd_names(keras: Any) -> Any:
    """Names of layers that TensorFlow cannot bear."""
    layers = keras.layers
    entry = keras.Input((16,), name="entrée 1")
    x = layers.Dense(24, activation="relu", name="dense <b>1 & 2")(entry)
    return keras.Model(entry, layers.Dense(4, name="_out put")(x))


MAKERS = {
    "inputs and outputs by list": by_list,
    "inputs and outputs by dict": by_dict,
    "gated": gated,
    "inverted and other arithmetic": python_arithmetic,
    "squeeze and excite": squeeze_and_excite,
    "shared layer": shared,
    "nested twice": nested_twice,
    "TimeDistributed over a model": over_time,
    "TimeDistributed over a dense layer": over_time_dense,
    "free height and width": free_size,
    "scaling and augmentation inside": scaling_inside,
    "bytes in": bytes_inside,
    "mixed_float16": half_precision,
    "odd names": odd_names,
}
PIXELS = ("scaling and augmentation inside", "bytes in")
KERAS_2 = ("inputs and outputs by list", "inputs and outputs by dict", "gated", "TimeDistributed over a model")


def _row(name: str, version: Any) -> Row:
    return Row(
        name=name if version == 3 else f"{name}, Keras 2",
        group="structures",
        make=MAKERS[name],
        keras=version,
        domain="pixels" if name in PIXELS else "float",
        half=name == "mixed_float16",
        quick=(name, version) == ("inputs and outputs by dict", 3),
    )


ROWS = [*(_row(name, 3) for name in MAKERS), *(_row(name, 2) for name in KERAS_2)]
