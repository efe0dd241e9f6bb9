"""Functions that a user names as module:function."""

import keras
import tf_keras

seed = 3


def keras3():
    """A Keras 3 model."""
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    return keras.Sequential([layers.Input((4,)), layers.Dense(5, activation="silu"), layers.Dense(2)])


def tf_keras_model():
    """A tf_keras model, compiled."""
    layers = tf_keras.layers
    model = tf_keras.Sequential([layers.Input((4,)), layers.Dense(5, activation="relu"), layers.Dense(2)])
    model.compile(loss="mse")
    return model


def unbuilt():
    """A Sequential that has never seen an input."""
    return keras.Sequential([keras.layers.Dense(2)])


class Subclassed(keras.Model):
    """A model written as a class: there is no graph to replay."""

    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(2)

    def call(self, x):
        return self.dense(x)


def subclassed():
    """A built model without a graph."""
    model = Subclassed()
    model.build((None, 4))
    return model


def nested_subclassed():
    """A Functional model with a subclassed one inside."""
    inputs = keras.layers.Input((4,))
    inner = Subclassed()
    inner.name = "inner"
    return keras.Model(inputs, keras.layers.Dense(2)(inner(inputs)))


def nothing():
    """No model at all."""
    return {"model": None}


def raises():
    """A user's own mistake."""
    raise KeyError("weights.bin")


def two_losses():
    """A Keras 3 model with a loss of its own for each output."""
    inputs = keras.layers.Input((4,))
    classes = keras.layers.Dense(3, activation="softmax", name="zz")(inputs)
    value = keras.layers.Dense(1, name="aa")(inputs)
    model = keras.Model(inputs, [classes, value])
    model.compile(loss={"aa": keras.losses.Huber(delta=5.0), "zz": "sparse_categorical_crossentropy"})
    return model


def own_loss():
    """A Keras 3 model with a loss that no Keras knows."""
    model = keras3()
    model.compile(loss=lambda y_true, y_pred: keras.ops.mean(keras.ops.abs(y_true - y_pred)))
    return model


def smoothed():
    """A tf_keras model whose loss has settings."""
    layers = tf_keras.layers
    model = tf_keras.Sequential([layers.Input((4,)), layers.Dense(2)])
    model.compile(loss=tf_keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.25))
    return model
