"""Ways in which inputs may have been prepared differently from the model's training data, each with what to do about it.

They are tried on some training samples if the model answers those badly (`edgekit.sanity.ranges`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from edgekit.ingest.seen import InputSeen
from edgekit.values import Value

if TYPE_CHECKING:
    import numpy as np

IMAGENET_BGR = (103.939, 116.779, 123.68)
"""Means of blue, green and red that `keras.applications` subtracts in its mode 'caffe' (imagenet_utils.py)."""
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Means of red, green and blue from 0 to 1, subtracted in its mode 'torch'."""


class Transform(Value):
    """x * `scale` + `offset` for each channel, in the order `channels` if given; an image's axes are moved before that.

    `fix` says what to do, in a phrase.
    """

    fix: str
    scale: tuple[float, ...] = (1.0,)
    offset: tuple[float, ...] = (0.0,)
    channels: Literal["as they are", "reversed"] = "as they are"
    turned: bool = False


def applied(transform: Transform, samples: np.ndarray) -> np.ndarray:
    """The samples, transformed: float32."""
    import numpy as np

    made = samples.astype(np.float32)
    if transform.turned:
        made = made.swapaxes(1, 2)
    if transform.channels == "reversed":
        made = made[..., ::-1]
    scale, offset = (np.asarray(each, np.float32) for each in (transform.scale, transform.offset))
    return np.asarray(made * scale + offset, np.float32)


def transforms(seen: InputSeen) -> list[Transform]:
    """The transforms to try on an input, chosen by its range, the usual ones first."""
    is_image = len(seen.sample) == 3 and seen.sample[2] in (1, 3)
    found = _by_range(seen)
    if is_image and seen.sample[2] == 3:
        found += _of_colours(seen)
    if is_image or len(seen.sample) == 2:
        found += _of_images(seen)
    return found + _of_numbers(seen)


def _scaled(fix: str, scale: float, offset: float = 0.0) -> Transform:
    return Transform(fix=fix, scale=(scale,), offset=(offset,))


def _unit(seen: InputSeen) -> float:
    """The factor that makes the inputs pixels from 0 to 255; 0 if they are not pixels."""
    if seen.low >= 0 and 0.2 < seen.high <= 1.001:
        return 255.0
    return 1.0 if seen.low >= 0 and 2 < seen.high <= 255 else 0.0


def _by_range(seen: InputSeen) -> list[Transform]:
    if _unit(seen) == 255.0:
        return [
            _scaled("multiply by 255: the model takes 0 to 255", 255.0),
            _scaled("scale from -1 to 1: x * 2 - 1", 2.0, -1.0),
        ]
    if _unit(seen) == 1.0:
        return [
            _scaled("divide by 255: the model takes 0 to 1", 1 / 255),
            _scaled("scale from -1 to 1: x / 127.5 - 1", 1 / 127.5, -1.0),
        ]
    if -1.001 <= seen.low < -0.2 and 0.2 < seen.high <= 1.001:
        return [
            _scaled("scale from 0 to 255: (x + 1) * 127.5", 127.5, 127.5),
            _scaled("scale from 0 to 1: (x + 1) / 2", 0.5, 0.5),
        ]
    if seen.low >= 0 and 255 < seen.high <= 65535:
        return [
            _scaled("divide by 65535: the model takes 0 to 1", 1 / 65535),
            _scaled("divide by 257: the model takes 0 to 255", 1 / 257),
        ]
    return []


def _of_colours(seen: InputSeen) -> list[Transform]:
    found = [
        Transform(
            fix="swap red and blue: the model takes BGR where this is RGB, or the other way round", channels="reversed"
        )
    ]
    if unit := _unit(seen):
        found.append(
            Transform(
                fix="prepare them as keras.applications does in mode 'caffe': BGR from 0 to 255, the means taken off",
                scale=(unit,) * 3, offset=tuple(-mean for mean in IMAGENET_BGR), channels="reversed",
            )
        )  # fmt: skip
        found.append(
            Transform(
                fix="prepare them as keras.applications does in mode 'torch': 0 to 1, standardised by ImageNet's means",
                scale=tuple(unit / 255 / std for std in IMAGENET_STD),
                offset=tuple(-mean / std for mean, std in zip(IMAGENET_MEAN, IMAGENET_STD, strict=True)),
            )
        )
    return found


def _of_images(seen: InputSeen) -> list[Transform]:
    found = [
        _scaled(
            "invert them: dark on bright where it is bright on dark, or the other way round", -1.0, seen.low + seen.high
        )
    ]
    if seen.sample[0] == seen.sample[1]:
        found.append(Transform(fix="turn them: rows are columns", turned=True))
    return found


def _of_numbers(seen: InputSeen) -> list[Transform]:
    """Standardising, undoing it, another unit; for standardised inputs, the raw values that they may come from."""
    found = []
    if seen.std > 0:
        found.append(_scaled("standardise them: (x - mean) / standard deviation", 1 / seen.std, -seen.mean / seen.std))
    for factor in (10.0, 100.0, 1000.0):
        found.append(_scaled(f"multiply by {factor:g}: another unit", factor))
        found.append(_scaled(f"divide by {factor:g}: another unit", 1 / factor))
    if abs(seen.mean) < 0.5 * seen.std and 0.2 < seen.std < 5:
        raw = "give the raw values, which are standardised now: near {}"
        for scale in (4.0, 32.0):
            for shift in (-3, -2, -1, 1, 2, 3):
                text = f"x * {scale:g} {'+' if shift > 0 else '-'} {abs(shift) * scale:g}"
                found.append(_scaled(raw.format(text), scale, shift * scale))
    return found
