"""A layer for Keras 3 that nothing in tf_keras stands for."""

import keras


@keras.saving.register_keras_serializable(package="tests")
class Lonely(keras.layers.Layer):
    """Doubles."""

    def call(self, x):
        return x * 2.0
