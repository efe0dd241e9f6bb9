"""The images of `cifar` with MobileNetV2 at 0.35 of its width, trained from scratch as the residual network is."""

import cifar
import keras

MOMENTUM = 0.9
arrays = cifar.arrays


def network():
    """MobileNetV2 for images of 32 x 32 pixels, whose last blocks see a single one: 0.4 million weights.

    Its own moving statistics take thousands of steps more than it is trained for to forget where they began.
    """
    model = keras.applications.MobileNetV2(weights=None, alpha=0.35, input_shape=(32, 32, 3), classes=10)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = MOMENTUM
    return model


def trained_model():
    """As `cifar.trained_model` has it."""
    return cifar.trained_model(network)
