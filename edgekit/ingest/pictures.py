"""One picture file as an array of 0 to 255, decoded as Keras decodes it: by Pillow, like `keras.utils.load_img`.

`image_dataset_from_directory` decodes with TensorFlow and gives the same pixels for PNG, GIF, WebP and BMP in colour.
Where the two differ, JPEG is decoded like `load_img` (TensorFlow's faster inverse transform differs by a few of 255 levels),
and so is a colour picture read as grey (one level). 16-bit grey is decoded like TensorFlow, which takes the upper of two
bytes: `load_img` clips it to white in colour and leaves 0 to 65535 in grey. Neither applies a picture's EXIF orientation.
"""

from __future__ import annotations

import dataclasses
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.errors import DataError

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF")
"""The formats that are parsed, whatever a file's ending says. Pillow's other formats may start programs, or nobody uses them."""
PLAIN = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr")
"""Modes of 8 bits a channel or fewer, which Pillow converts without loss of range."""
DEEP_GREY = ("I;16", "I;16B", "I;16L", "I;16N")
_ORIENTATION = 0x0112
_MOVING = ("GIF", "PNG", "WEBP", "TIFF")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Picture:
    """A decoded file: uint8 of height x width x channels, and what decoding did not use.

    `turned`: it has an EXIF orientation, which is not applied; `frames`: how many it has, of which the first is taken; `deep`:
    it is 16-bit grey, of which the upper byte is taken.
    """

    pixels: np.ndarray
    turned: bool
    frames: int
    deep: bool


def decode(path: Path, options: dict[str, Any]) -> Picture:
    """A picture in one channel (`grayscale`) or three, resized to `image_size` by `interpolation`.

    Raises `DataError` if the file is damaged, or its pixels have no known range.
    """
    from PIL import Image

    try:
        with warnings.catch_warnings(), Image.open(path, formats=FORMATS) as opened:
            warnings.simplefilter("ignore")
            frames = getattr(opened, "n_frames", 1) if opened.format in _MOVING else 1
            turned = opened.format != "TIFF" and opened.getexif().get(_ORIENTATION, 1) in range(2, 9)
            deep = _is_deep_grey(opened)
            image = _plain(opened, deep=deep).convert("L" if options["grayscale"] else "RGB")
            pixels = _sized(image, options)
    except DataError:
        raise
    except Exception as problem:  # for a damaged file, Pillow's parsers raise anything, even assertions
        received = f"{type(problem).__name__}: {problem}"[:200]
        raise DataError("not an image that can be read", received=received, next_step="remove or repair it") from None
    return Picture(pixels=pixels, turned=turned, frames=frames, deep=deep)


def _is_deep_grey(image: Any) -> bool:
    """Whether a picture is 16-bit grey; older versions of Pillow open such a PNG as 32-bit."""
    return image.mode in DEEP_GREY or (image.mode == "I" and image.format == "PNG")


def _plain(image: Any, *, deep: bool) -> Any:
    """A picture with 8 bits a channel; raises `DataError` if its values have no known range, or its colours are of another kind."""
    from PIL import Image

    if deep:
        return Image.fromarray((np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8))
    if image.mode not in PLAIN:
        what = {"F": "32-bit floats", "I": "32-bit integers"}.get(image.mode, f"mode {image.mode}")
        raise DataError(
            "pixels that cannot be brought to 0 to 255",
            received=what,
            allowed="8 bits a channel, or 16-bit grey",
            next_step="save it with 8 bits a channel, or give arrays in an .npz, scaled as the model takes them",
        )
    return image


def _sized(image: Any, options: dict[str, Any]) -> np.ndarray:
    """The pixels in the size that the project declares."""
    from PIL import Image

    size, how = options["image_size"], options["interpolation"]
    if size is not None and how != "bilinear" and (image.height, image.width) != tuple(size):
        method = Image.Resampling.NEAREST if how == "nearest" else Image.Resampling.BILINEAR
        image = image.resize((size[1], size[0]), method)
    pixels: np.ndarray = np.asarray(image)
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    return pixels if size is None or pixels.shape[:2] == tuple(size) else resize(pixels, (size[0], size[1]))


def resize(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Bilinear without antialiasing, rounded to whole levels, like `tf.image.resize` and so `image_dataset_from_directory`.

    Each target pixel's centre lies between two source rows and two columns, and only these four pixels count.
    """
    rows, columns = _between(pixels.shape[0], size[0]), _between(pixels.shape[1], size[1])
    upper, lower = (_across(pixels[row].astype(np.float32), columns) for row in rows[:2])
    found = upper + (lower - upper) * rows[2][:, None, None]
    rounded: np.ndarray = np.rint(found).astype(np.uint8)
    return rounded


def _across(rows: np.ndarray, columns: tuple[np.ndarray, np.ndarray, np.ndarray]) -> np.ndarray:
    left, right, share = columns
    found: np.ndarray = rows[:, left] + (rows[:, right] - rows[:, left]) * share[None, :, None]
    return found


def _between(source: int, target: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each target position, the source positions on either side, and its distance from the first."""
    step = np.float32(source) / np.float32(target)
    place = (np.arange(target, dtype=np.float32) + np.float32(0.5)) * step - np.float32(0.5)
    first = np.floor(place)
    last = source - 1
    return np.clip(first, 0, last).astype(np.intp), np.clip(first + 1, 0, last).astype(np.intp), place - first
