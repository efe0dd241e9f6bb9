"""How a picture file becomes a model's input on the device: `inference.py` includes the text of `picture`.

`picture` needs only numpy and Pillow and runs on Python 3.8. A test makes sure that it decodes as `edgekit.ingest`
does. A project's settings for its pictures are a `Decoding`.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from edgekit.documents.report import InputFacts
from edgekit.project.project import Project
from edgekit.values import Value

if TYPE_CHECKING:
    import numpy as np


class Decoding(Value):
    """How the pictures of a folder were decoded: the keys of `[data]` that say so."""

    interpolation: Literal["bilinear", "nearest", "antialias"] = "bilinear"
    grayscale: bool = False
    scale: float = 1.0
    offset: float = 0.0

    def fits(self, inputs: tuple[InputFacts, ...]) -> bool:
        """Whether a decoded picture is a sample of the model: its one input is rows x columns x channels."""
        shape = inputs[0].shape if len(inputs) == 1 else ()
        return len(shape) == 4 and shape[0] == 1 and shape[3] == (1 if self.grayscale else 3)

    def call(self, path: str, shape: tuple[int, ...]) -> str:
        """The script's expression for the real values of a picture, for an input of this shape."""
        found = (
            f'picture({path}, ({shape[1]}, {shape[2]}), "{"L" if self.grayscale else "RGB"}", "{self.interpolation}")'
        )
        if self.scale == 1.0 and self.offset == 0.0:
            return found
        return f'{found}.astype("float32") * np.float32({self.scale!r}) + np.float32({self.offset!r})'


def declared_decoding(settings: Project) -> Decoding | None:
    """How a project's pictures are decoded; None if its data is not a folder of pictures, for then it is not known."""
    if settings.data is None or not (Path(settings.root) / settings.data.source).is_dir():
        return None
    return msgspec.convert(settings.data, Decoding, from_attributes=True)


def picture_text() -> str:
    """The text of `picture`, for a script that does not evaluate annotations."""
    return inspect.getsource(picture)


def picture(path: str, size: tuple[int, int], mode: str, interpolation: str) -> np.ndarray:
    """A picture's pixels, 0 to 255, as the training data was decoded: the first frame, not turned by its EXIF."""
    import numpy as np
    from PIL import Image

    image: Any = Image.open(path, formats=("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF"))
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PNG"):  # 16-bit grey: its upper byte
        image = Image.fromarray((np.asarray(image).astype("uint16") >> 8).astype("uint8"))
    if image.mode in ("I", "F"):
        raise SystemExit(path + ": its pixels have no known range; save it with 8 bits a channel")
    image = image.convert(mode)
    if interpolation != "bilinear" and (image.height, image.width) != size:
        image = image.resize((size[1], size[0]), 0 if interpolation == "nearest" else 2)
    pixels: np.ndarray = np.asarray(image).reshape(image.height, image.width, -1)
    if pixels.shape[:2] == size:
        return pixels
    for axis in (1, 0):  # bilinear as tf.image.resize: without antialiasing, rounded to whole levels
        source, target = pixels.shape[axis], size[axis]
        step = np.float32(source) / np.float32(target)
        place = (np.arange(target, dtype="float32") + np.float32(0.5)) * step - np.float32(0.5)
        first = np.floor(place)
        low, high = (np.clip(first + more, 0, source - 1).astype(int) for more in (0, 1))
        before = pixels.take(low, axis).astype("float32")
        pixels = before + (pixels.take(high, axis) - before) * (place - first).reshape(
            (-1, 1, 1) if axis == 0 else (-1, 1)
        )
    rounded: np.ndarray = np.rint(pixels).astype("uint8")
    return rounded
