"""Variations of a batch of images (batch, height, width, channels) of float32, each image differently.

`draw(low, high, shape)` gives uniform random numbers. Borders are filled with the image's own reflection.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

Draw = Callable[[float, float, tuple[Any, ...]], Any]


def flip(tf: Any, images: Any, draw: Draw, axes: Literal["horizontal", "vertical", "both"]) -> Any:
    """Each image mirrored with a chance of one half, along one axis or along each of both."""
    count = tf.shape(images)[0]
    for name, mirror in (("horizontal", tf.image.flip_left_right), ("vertical", tf.image.flip_up_down)):
        if axes in (name, "both"):
            images = tf.where(draw(0, 1, (count, 1, 1, 1)) < 0.5, mirror(images), images)
    return images


def shift(tf: Any, images: Any, draw: Draw, pixels: tuple[int, int]) -> Any:
    """Each image moved by a whole number of pixels, at most `pixels` vertically and horizontally."""
    count = tf.shape(images)[0]
    down, right = (tf.round(draw(-most - 0.5, most + 0.5, (count,))) for most in pixels)
    down, right = (
        tf.clip_by_value(x, float(-most), float(most)) for x, most in zip((down, right), pixels, strict=True)
    )
    one, none = tf.ones_like(down), tf.zeros_like(down)
    # used by Keras's RandomTranslation, but that has its own random generator and moves by fractions of a pixel
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images, transforms=tf.stack([one, none, right, none, one, down, none, none], axis=1),
        output_shape=tf.shape(images)[1:3], fill_value=0.0, interpolation="NEAREST", fill_mode="REFLECT",
    )  # fmt: skip


def crop(tf: Any, images: Any, draw: Draw, share: float) -> Any:
    """A window of each image, with at least 1 - `share` of its height and width, resized to the image's size."""
    count = tf.shape(images)[0]
    cut = draw(0, share, (count,))
    top, left = cut * draw(0, 1, (count,)), cut * draw(0, 1, (count,))
    boxes = tf.stack([top, left, top + 1 - cut, left + 1 - cut], axis=1)
    return tf.image.crop_and_resize(images, boxes, tf.range(count), tf.shape(images)[1:3])


def colour(tf: Any, images: Any, draw: Draw, strength: float, span: float) -> Any:
    """Brightness moved by up to `strength` of the data's range; contrast and (with three channels) saturation scaled by 1 ± strength."""
    one_each = (tf.shape(images)[0], 1, 1, 1)
    images = images + span * draw(-strength, strength, one_each)
    for axes in ([1, 2, 3], [3]) if images.shape[-1] == 3 else ([1, 2, 3],):
        middle = tf.reduce_mean(images, axis=axes, keepdims=True)
        images = middle + (images - middle) * draw(1 - strength, 1 + strength, one_each)
    return images
