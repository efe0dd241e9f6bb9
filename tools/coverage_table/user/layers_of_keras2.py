"""A layer of a user's own, registered for Keras 2 alone."""

import tensorflow as tf
import tf_keras


@tf_keras.utils.register_keras_serializable("coverage")
class Gate(tf_keras.layers.Layer):
    """Multiplies each channel by a trained share."""

    def build(self, shape):
        self.factor = self.add_weight(shape=(shape[-1],), initializer="ones", name="factor")

    def call(self, x):
        return x * tf.sigmoid(self.factor)
