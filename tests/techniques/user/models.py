"""Tiny Keras 3 models that the tests of training name as module:function."""

import keras

layers = keras.layers


def plain():
    """Convolution, batch normalisation and dense layers with kernels large enough to be pruned and clustered."""
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Conv2D(16, 3, use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Conv2D(16, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(4, activation="softmax"),
        ]
    )


def residual():
    """A 1x1 convolution, two with batch normalisation around a sum, one with negative factors, and two dense layers."""
    keras.utils.set_random_seed(0)
    inputs = layers.Input((8, 8, 1))
    x = layers.Conv2D(16, 3, activation="relu")(inputs)
    y = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(16, 3, padding="same", use_bias=False)(x)))
    mixed = layers.BatchNormalization(gamma_initializer=keras.initializers.RandomNormal(0, 1))
    y = mixed(layers.Conv2D(16, 1, use_bias=False)(y))
    x = layers.ReLU()(layers.Add()([x, y]))
    x = layers.Dense(24, activation="relu")(layers.GlobalAveragePooling2D()(x))
    return keras.Model(inputs, layers.Dense(4, activation="softmax")(x))


def sine():
    """A layer that TFLite has no integer kernel for, between two that it has."""
    keras.utils.set_random_seed(0)
    inputs = layers.Input((8, 8, 1))
    x = keras.ops.sin(layers.Conv2D(16, 3)(inputs))
    x = layers.Conv2D(8, 3, activation="relu")(x)
    return keras.Model(inputs, layers.Dense(4, activation="softmax")(layers.Flatten()(x)))


def unknown_to_tfmot():
    """A Rescaling, a hard-swish, batch normalisation behind pooling, and a Conv1D among layers that TFMOT knows."""
    keras.utils.set_random_seed(0)
    inputs = layers.Input((8, 8, 1))
    x = layers.Rescaling(2.0, offset=-1.0)(inputs)
    x = layers.Conv2D(16, 3, activation="relu")(x)
    x = layers.BatchNormalization()(layers.MaxPooling2D()(x))
    x = x * layers.ReLU(6.0)(x + 3.0) / 6.0
    x = layers.Conv1D(4, 3)(layers.Reshape((9, 16))(x))
    return keras.Model(inputs, layers.Dense(4, activation="softmax")(layers.Flatten()(x)))


def recurrent():
    """An LSTM over the rows of an image, and a dense layer."""
    keras.utils.set_random_seed(0)
    inputs = layers.Input((8, 8, 1))
    x = layers.LSTM(16, name="memory")(layers.Reshape((8, 8))(inputs))
    return keras.Model(inputs, layers.Dense(4, activation="softmax")(layers.Dense(20, activation="relu")(x)))


def embedding():
    """A table that is large, and a dense layer that is not."""
    keras.utils.set_random_seed(0)
    inputs = layers.Input((8, 8, 1))
    x = layers.Embedding(200, 16)(layers.Reshape((64,))(inputs))
    return keras.Model(inputs, layers.Dense(4, activation="softmax")(layers.GlobalAveragePooling1D()(x)))
