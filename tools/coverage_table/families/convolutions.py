"""Convolutional models: of sequences, images and volumes, separable and transposed, U-Net and autoencoder."""

from __future__ import annotations

from typing import Any

from coverage_table.families.head import head
from coverage_table.rows import Row


def conv1d_stack(keras: Any) -> Any:
    """Dilated and strided convolutions of a sequence."""
    layers = keras.layers
    x = entry = keras.Input((32, 8), name="signal")
    x = layers.Conv1D(16, 5, padding="same", activation="relu")(x)
    x = layers.BatchNormalization()(layers.Conv1D(24, 3, dilation_rate=2)(x))
    x = layers.MaxPooling1D()(layers.ReLU()(x))
    x = layers.Conv1D(24, 3, strides=2, padding="causal")(x)
    return keras.Model(entry, head(keras, layers.GlobalAveragePooling1D()(x)))


def conv2d_batch_norm(keras: Any) -> Any:
    """Convolutions with batch normalisation, a residual sum, and a dense head."""
    layers = keras.layers
    entry = keras.Input((16, 16, 3), name="image")
    x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(16, 3, padding="same", use_bias=False)(entry)))
    y = layers.BatchNormalization()(layers.Conv2D(16, 3, padding="same", use_bias=False)(x))
    x = layers.MaxPooling2D()(layers.ReLU()(layers.Add()([x, y])))
    x = layers.Dropout(0.2)(layers.Flatten()(x))
    return keras.Model(entry, layers.Dense(4, activation="softmax")(x))


def conv3d(keras: Any) -> Any:
    """Convolutions of a volume."""
    layers = keras.layers
    entry = keras.Input((8, 8, 8, 2), name="volume")
    x = layers.MaxPooling3D()(layers.Conv3D(8, 3, activation="relu")(entry))
    return keras.Model(entry, head(keras, layers.Flatten()(x)))


def separable(keras: Any) -> Any:
    """Separable and depthwise convolutions of images."""
    layers = keras.layers
    x = entry = keras.Input((16, 16, 3), name="image")
    x = layers.SeparableConv2D(16, 3, padding="same", activation="relu")(x)
    x = layers.SeparableConv2D(32, 3, strides=2, padding="same", depth_multiplier=2)(x)
    x = layers.ReLU(6.0)(layers.DepthwiseConv2D(3)(layers.BatchNormalization()(x)))
    return keras.Model(entry, head(keras, layers.GlobalAveragePooling2D()(x)))


def separable_1d(keras: Any) -> Any:
    """Separable and depthwise convolutions of a sequence."""
    layers = keras.layers
    x = entry = keras.Input((32, 8), name="signal")
    x = layers.SeparableConv1D(32, 3, padding="same", activation="relu")(x)
    x = layers.DepthwiseConv1D(3, activation="relu")(x)
    return keras.Model(entry, head(keras, layers.GlobalMaxPooling1D()(x)))


def grouped(keras: Any) -> Any:
    """A convolution in groups between two plain ones."""
    layers = keras.layers
    x = entry = keras.Input((12, 12, 3), name="image")
    x = layers.Conv2D(16, 3, activation="relu")(x)
    x = layers.Conv2D(16, 3, groups=4, activation="relu")(x)
    return keras.Model(entry, head(keras, layers.GlobalAveragePooling2D()(x)))


def u_net(keras: Any) -> Any:
    """Two levels down and up again, with skips: a map of classes."""
    layers = keras.layers
    x = entry = keras.Input((32, 32, 3), name="image")
    skips = []
    for width in (8, 16):
        x = layers.Conv2D(width, 3, padding="same", activation="relu")(x)
        skips.append(x)
        x = layers.MaxPooling2D()(x)
    x = layers.Conv2D(32, 3, padding="same", activation="relu")(x)
    for width, skip in zip((16, 8), reversed(skips), strict=True):
        x = layers.Conv2DTranspose(width, 2, strides=2, padding="same")(x)
        x = layers.Conv2D(width, 3, padding="same", activation="relu")(layers.Concatenate()([x, skip]))
    return keras.Model(entry, layers.Conv2D(3, 1, activation="softmax", name="map")(x))


def upsampling(keras: Any) -> Any:
    """Bilinear and nearest upsampling, cropping and padding."""
    layers = keras.layers
    x = entry = keras.Input((8, 8, 3), name="image")
    x = layers.UpSampling2D(2, interpolation="bilinear")(layers.Conv2D(16, 3, padding="same")(x))
    x = layers.Cropping2D(1)(layers.Conv2D(16, 3, activation="relu")(layers.ZeroPadding2D(2)(x)))
    return keras.Model(entry, layers.Conv2D(3, 1)(layers.UpSampling2D(2)(x)))


def autoencoder(keras: Any) -> Any:
    """Dense layers down to few features and up again."""
    layers = keras.layers
    x = entry = keras.Input((64,), name="spectrum")
    for width in (32, 8, 32):
        x = layers.ReLU()(layers.BatchNormalization()(layers.Dense(width)(x)))
    return keras.Model(entry, layers.Dense(64)(x))


def dense_sequential(keras: Any) -> Any:
    """A Sequential model of dense layers."""
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((24,), name="features"),
            layers.Dense(32, activation="relu"),
            layers.Dense(4, activation="softmax"),
        ]
    )


MAKERS = {
    "dense, Sequential": dense_sequential,
    "Conv1D stack": conv1d_stack,
    "Conv2D, batch normalisation, residual": conv2d_batch_norm,
    "Conv3D": conv3d,
    "separable": separable,
    "separable 1D": separable_1d,
    "convolution in groups": grouped,
    "U-Net": u_net,
    "upsampling, padding, cropping": upsampling,
    "autoencoder": autoencoder,
}
QUICK = ("Conv1D stack", "separable")
ROWS = [Row(name=name, group="convolutions", make=make, quick=name in QUICK) for name, make in MAKERS.items()]
ROWS += [
    Row(
        name=f"{name}, Keras 2",
        group="convolutions",
        make=MAKERS[name],
        keras=2,
        quick=name.startswith("Conv2D"),
    )
    for name in ("Conv2D, batch normalisation, residual", "separable", "U-Net")
]
