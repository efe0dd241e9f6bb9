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


def looks_text_up():
    """Text, looked up in a table."""
    given = keras.Input((1,), dtype="string")
    return keras.Model(
        given, keras.layers.StringLookup(vocabulary=["a", "b"], output_mode="one_hot", name="words")(given)
    )


def nested_lookup():
    """A table inside a model inside a model."""
    given = keras.Input((1,), dtype="string")
    return keras.Model(given, keras.layers.Dense(2)(looks_text_up()(given)))


def vectorizes_text():
    """Sentences, by tf_keras."""
    given = tf_keras.Input((1,), dtype="string")
    words = tf_keras.layers.TextVectorization(vocabulary=["good", "bad"], output_sequence_length=4, name="words")
    return tf_keras.Model(given, tf_keras.layers.Embedding(5, 2)(words(given)))


def looks_numbers_up():
    """Numbers that stand for others."""
    given = tf_keras.Input((1,), dtype="int64")
    codes = tf_keras.layers.IntegerLookup(vocabulary=[10, 20], output_mode="one_hot", name="codes")
    return tf_keras.Model(given, tf_keras.layers.Dense(2)(codes(given)))


def hashes():
    """Text in eight buckets."""
    given = keras.Input((1,), dtype="string")
    return keras.Model(given, keras.layers.Hashing(num_bins=4, output_mode="one_hot", name="buckets")(given))


def takes_text():
    """An input of text without a layer that reads it."""
    given = tf_keras.Input((), dtype="string", name="sentence")
    return tf_keras.Model(given, tf_keras.layers.Lambda(lambda text: text)(given))
