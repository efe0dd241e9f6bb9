"""A layer for tf_keras, registered: its .h5 needs this module by --import."""

import tf_keras


@tf_keras.utils.register_keras_serializable(package="tests")
class Doubled(tf_keras.layers.Layer):
    """Doubles."""

    def call(self, x):
        return x * 2.0
