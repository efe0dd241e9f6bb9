"""A layer for Keras 3 with its twin for tf_keras, registered under one name: what a user names with --import."""

import keras
import tf_keras


@keras.saving.register_keras_serializable(package="tests")
class Scale3(keras.layers.Layer):
    """Keras 3's: multiplies by a trained factor."""

    def build(self, shape):
        self.factor = self.add_weight(name="factor", shape=(shape[-1],), initializer="ones")

    def call(self, x):
        return x * self.factor


@tf_keras.utils.register_keras_serializable(package="tests", name="Scale3")
class Scale2(tf_keras.layers.Layer):
    """tf_keras's."""

    def build(self, shape):
        self.factor = self.add_weight(name="factor", shape=(shape[-1],), initializer="ones")

    def call(self, x):
        return x * self.factor
