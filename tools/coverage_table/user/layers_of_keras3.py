"""Classes of a user's own, registered for Keras 3 alone."""

import keras


@keras.saving.register_keras_serializable("coverage")
class Gate(keras.layers.Layer):
    """Multiplies each channel by a trained share."""

    def build(self, shape):
        self.factor = self.add_weight(shape=(shape[-1],), initializer="ones", name="factor")

    def call(self, x):
        return x * keras.ops.sigmoid(self.factor)


@keras.saving.register_keras_serializable("coverage")
class Block(keras.layers.Layer):
    """A residual block of two convolutions in a layer."""

    def build(self, shape):
        self.first = keras.layers.Conv2D(shape[-1], 3, padding="same", activation="relu")
        self.second = keras.layers.Conv2D(shape[-1], 3, padding="same")
        self.first.build(shape)
        self.second.build(shape)

    def call(self, x):
        return x + self.second(self.first(x))


@keras.saving.register_keras_serializable("coverage")
class Classifier(keras.Model):
    """A convolution and a dense head, written as a class."""

    def __init__(self, **options):
        super().__init__(**options)
        self.features = keras.layers.Conv2D(16, 3, strides=2, activation="relu")
        self.pool = keras.layers.GlobalAveragePooling2D()
        self.head = keras.layers.Dense(16)

    def call(self, x):
        return self.head(self.pool(self.features(x)))
